//! One image of the monitor following another in the same process: exec in place (execve(2)), so that the pid stays
//! and children stay children. What must not close in between is handed over open.
//!
//! | file | what |
//! | --- | --- |
//! | `bequest` | leaving: descriptors placed as sd_listen_fds(3) says, then the exec |
//! | `inherited` | coming: what a predecessor or a service manager left open |
//! | `rehearsal` | whether the executable that is to follow can |
//! | `signals` | a signal to stop that comes in between waits for the new image |
//!
//! The convention is that of socket activation: descriptors from 3 on, `LISTEN_FDS`, `LISTEN_FDNAMES` and
//! `LISTEN_PID`. So one piece of code takes up what systemd opened and what the monitor before left.

mod bequest;
mod inherited;
mod rehearsal;
pub mod signals;

pub use bequest::{Bequest, Heirloom};
pub use inherited::Inherited;
pub use rehearsal::{REHEARSED_WITHIN, RehearsalError, Rehearsed, rehearse};

/// The first descriptor that is handed over (`SD_LISTEN_FDS_START`).
const FIRST: std::os::fd::RawFd = 3;

const COUNT_VARIABLE: &str = "LISTEN_FDS";
const NAMES_VARIABLE: &str = "LISTEN_FDNAMES";
const PID_VARIABLE: &str = "LISTEN_PID";
