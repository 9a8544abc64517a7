//! What a system calls what is open: descriptors on Unix, handles on Windows, here by one name. So signatures that take or give one
//! are the same everywhere.

pub use crate::sys::fd::{AsFd, BorrowedFd, OwnedFd};
