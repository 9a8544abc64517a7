//! This machine: its name, and the space that it has.

use crate::survey::Space;
use rustix::fs::statvfs;
use std::io;
use std::path::Path;

/// The space left at `path` (statvfs(3)).
///
/// # Errors
/// When there is no such path, or its file system does not tell.
pub fn space(path: &Path) -> io::Result<Space> {
    let found = statvfs(path)?;
    Ok(Space {
        free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
        total_bytes: found.f_blocks.saturating_mul(found.f_frsize),
        free_files: (found.f_files > 0).then_some(found.f_favail),
    })
}

/// What this machine calls itself (uname(2)); `None`: nothing that can be written as text.
pub fn host_name() -> Option<String> {
    rustix::system::uname().nodename().to_str().map(str::to_owned).ok()
}

/// What stands in for the system, if that is not itself: here it is.
pub fn emulator() -> Option<&'static str> {
    None
}
