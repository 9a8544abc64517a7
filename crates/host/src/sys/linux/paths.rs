//! Long paths of sockets, and the file that this process executes.

use rustix::fs::{Mode, OFlags, open};
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The longest path of a socket, in bytes: `sun_path` has 108 (unix(7)).
pub const LONGEST_OF_SOCKET: usize = 107;

/// Leads to the file that this process executes, also when that has no name any more.
pub const OWN_IMAGE: Option<&CStr> = Some(c"/proc/self/exe");

/// A short name for `folder`, which is good for as long as the descriptor is open.
///
/// # Errors
/// When the folder cannot be opened.
pub fn short_name(folder: &Path) -> io::Result<(PathBuf, OwnedFd)> {
    let descriptor = open(folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    Ok((PathBuf::from(format!("/proc/self/fd/{}", descriptor.as_raw_fd())), descriptor))
}
