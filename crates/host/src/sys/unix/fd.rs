//! Descriptors.

pub use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
