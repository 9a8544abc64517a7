//! Starting, knowing and stopping programs (SPEC 4.4).
//!
//! | module | |
//! | --- | --- |
//! | [`identity`] | which process, beyond doubt |
//! | [`mod@spawn`] | a program from a request, or exactly why not |
//! | [`handle`] | a process one can hold: exit notification, exit code, signals |
//! | [`record`] | what is on disk before it matters, for the next monitor |
//! | [`tree`] | what else belongs to a run, and killing all of it |
//! | [`asking`] | the helper that asks programs to end, where one is needed (Windows) |
//! | [`environment`] | what a process was started with, and whose it is |
//! | [`figures`] | CPU time and memory, on request |
//! | [`limits`] | descriptors: many for the monitor, the user's number for programs |
//!
//! What differs between systems is in `sys::process`.

pub mod identity;
pub mod record;
pub mod spawn;

pub use crate::sys::process::{asking, environment, figures, handle, limits, tree};
pub use handle::Process;
pub use identity::{BootId, Identity};
pub use spawn::{SpawnError, SpawnRequest, ensure_room, spawn};
