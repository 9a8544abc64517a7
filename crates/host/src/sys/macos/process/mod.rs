//! Processes on macOS: libproc, kqueue, fork and exec.

pub mod advice;
pub mod children;
pub mod descriptors;
pub mod environment;
pub mod exit_watch;
pub mod handle;
pub mod identity;
pub mod orphans;
pub mod spawn;
pub mod stat;
mod stranger;
pub mod usage;

pub use crate::sys::unix::{asking, figures, limits, tree};
