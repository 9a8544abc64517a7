//! Linux: `/proc`, pidfds, clone, epoll, inotify, splice.

pub mod fifo;
pub mod folders;
pub mod inherit;
pub mod memory;
pub mod paths;
pub mod peer;
pub mod process;
pub mod readiness;
pub mod senders;
pub mod services;
pub mod survey;
pub mod wakeup;

#[cfg(feature = "failpoints")]
pub use crate::sys::unix::death;
pub use crate::sys::unix::{
    checks, clock, control, detach, executable, fd, files, handover, host, local, mapping, notify,
    positioned, reactor, ready, signals, tcp, users, wait, words,
};
