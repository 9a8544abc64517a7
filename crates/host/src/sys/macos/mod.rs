//! macOS: kqueue, libproc, sysctl.

pub mod fifo;
pub mod folders;
pub mod inherit;
mod kqueue;
pub mod memory;
pub mod paths;
pub mod peer;
pub mod process;
pub mod readiness;
pub mod senders;
pub mod survey;
pub(crate) mod sysctl;
pub mod wakeup;
