//! By what two monitors that share a directory know of each other: files in the state folder of each. All are
//! bound to one process of one boot, so that none can be taken for another life's.
//!
//! | module | |
//! | --- | --- |
//! | [`sighting`] | whether the monitor of an instance runs, or how its last life ended |
//! | [`farewell`] | what a monitor leaves word of before it ends |
//! | [`launch`] | how a monitor was started, for who starts it again |
//! | [`outputs`] | what the programs of the other have written is kept from being lost |
//! | [`history`] | when and why a monitor started its partner |

pub mod farewell;
pub mod history;
pub mod launch;
pub mod outputs;
pub mod sighting;

use crate::process::{BootId, Identity};
use serde::{Deserialize, Serialize};
use std::io;

/// Whose a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// The process.
    #[serde(flatten)]
    pub identity: Identity,
    /// Which boot of the machine that is valid in.
    pub boot_id: BootId,
}

impl Owner {
    /// This process.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn this_process() -> io::Result<Self> {
        Ok(Self { identity: Identity::current()?, boot_id: BootId::current()? })
    }
}
