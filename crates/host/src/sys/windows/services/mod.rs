//! Services: started by the service control manager, which starts them for the machine only.
//!
//! | file | |
//! | --- | --- |
//! | `manager` | talking to it: handles that are closed |
//! | `unit` | a service's definition as text, and its way into and out of the manager |
//! | `run` | being a service |

mod manager;
mod run;
mod unit;

use crate::service_manager::Kind;

/// The one that this system has.
pub const KIND: Kind = Kind::Windows;

pub use run::{is_service, supervised, tell};
pub use unit::{disable, folder, is_active, is_enabled, read_unit, remove_unit, write_unit};
