//! Processes on Linux: `/proc`, pidfds, clone.

pub mod advice;
pub mod children;
pub mod descriptors;
pub mod environment;
pub mod exit_watch;
pub mod handle;
pub mod identity;
pub mod orphans;
pub mod pidfd;
pub mod spawn;
pub mod stat;
pub mod usage;

pub use crate::sys::unix::{asking, figures, limits, tree};
