//! Exec in place (execve(2)), with what must not close in between.
//!
//! | file | what |
//! | --- | --- |
//! | `bequest` | leaving: descriptors placed as sd_listen_fds(3) says, then the exec |
//! | `inherited` | coming: what a predecessor or a service manager left open |
//! | `trial` | running the program that is to follow, to see whether it can |
//! | `lock` | the instance's lock, which stays locked |
//!
//! The convention is that of socket activation: descriptors from 3 on, `LISTEN_FDS`, `LISTEN_FDNAMES` and
//! `LISTEN_PID`. So one piece of code takes up what systemd opened and what the monitor before left.

mod bequest;
mod inherited;
mod lock;
mod trial;

pub use bequest::Bequest;
pub use inherited::Inherited;
pub(in crate::sys) use inherited::listens;
pub use lock::{Herald, locked, offer};
pub use trial::Trial;

use std::os::fd::AsFd;

/// The first descriptor that is handed over (`SD_LISTEN_FDS_START`).
const FIRST: std::os::fd::RawFd = 3;

const COUNT_VARIABLE: &str = "LISTEN_FDS";
const NAMES_VARIABLE: &str = "LISTEN_FDNAMES";
const PID_VARIABLE: &str = "LISTEN_PID";

/// Whether the process that has started this one is the first of its machine or container (init(1)).
pub fn started_by_process_one() -> bool {
    std::os::unix::process::parent_id() == 1
}

/// Whether the next image goes on in the same process.
pub const IN_PLACE: bool = true;

/// What can be handed over: anything with a descriptor.
pub trait Heritable: AsFd + Send + Sync {}

impl<T: AsFd + Send + Sync> Heritable for T {}
