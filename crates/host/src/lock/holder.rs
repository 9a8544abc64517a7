//! Whether the process that is named as a holder lives, and since when.

use crate::process::{Identity, Process};
use process_monitor_core::time::Wall;

/// What is known of the process that has a certain pid now.
pub(super) enum Holder {
    /// There is none, or a zombie.
    Gone,
    /// There is one, as far as the system tells.
    Running {
        /// When it started, on the wall clock as it goes now.
        started: Option<Wall>,
        /// To be told of its end; `None` when no descriptor could be had.
        process: Option<Process>,
    },
}

/// Looks at the process with this pid, without touching it. Where the system doesn't tell, it runs: a
/// lock that is respected too long does less harm than one that is broken under its holder.
pub(super) fn look_up(pid: u32) -> Holder {
    let identity = match Identity::of(pid) {
        Ok(None) => return Holder::Gone,
        Ok(Some(identity)) => identity,
        Err(reason) => {
            tracing::debug!(pid, %reason, "cannot look at the holder of a lock");
            return Holder::Running { started: None, process: None };
        }
    };
    let process = Process::adopt(&identity).ok().flatten();
    Holder::Running { started: identity.started_at_wall().ok(), process }
}

/// Whether certainly no process with this pid runs.
pub(crate) fn is_gone(pid: u32) -> bool {
    matches!(look_up(pid), Holder::Gone)
}
