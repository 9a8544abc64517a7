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

pub use crate::sys::unix::{control, fd, handover, notify, positioned, private, signals, users};
