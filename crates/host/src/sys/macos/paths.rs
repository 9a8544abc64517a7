//! Long paths of sockets, and the file that this process executes.

use std::ffi::CStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The longest path of a socket, in bytes: `sun_path` has 104 (unix(4)).
pub const LONGEST_OF_SOCKET: usize = 103;

/// Nothing leads to the file that this process executes once that has no name any more.
pub const OWN_IMAGE: Option<&CStr> = None;

/// There is no shorter name for a folder here.
///
/// # Errors
/// Always.
pub fn short_name(folder: &Path) -> io::Result<(PathBuf, OwnedFd)> {
    let why = format!(
        "{} is too long: a socket's path has at most {LONGEST_OF_SOCKET} bytes on macOS; use a shorter --directory",
        folder.display()
    );
    Err(io::Error::new(io::ErrorKind::InvalidInput, why))
}
