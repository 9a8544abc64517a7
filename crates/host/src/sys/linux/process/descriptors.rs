//! Which files a process has open.

pub use crate::sys::unix::file_id::{FileId, file_id};

use std::path::Path;

/// Which file `pid` has open as `descriptor`; `None` when that is not for us to see.
pub fn file_of(pid: u32, descriptor: u32) -> Option<FileId> {
    file_id(Path::new(&format!("/proc/{pid}/fd/{descriptor}")))
}
