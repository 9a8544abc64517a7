//! Processes on Linux: `/proc`, pidfds, clone. Its twins for other systems have the same
//! functions with the same signatures.

pub mod environment;
pub mod figures;
pub mod handle;
pub mod identity;
pub mod limits;
pub mod pidfd;
pub mod spawn;
pub mod stat;
pub mod tree;
