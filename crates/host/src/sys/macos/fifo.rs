//! FIFOs. Nothing looks into them without consuming, nor moves their bytes to a file in one step.

use std::ffi::CString;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Whether this system can look into a FIFO and move its bytes to a file in one step that a kill cannot split.
pub const MOVES: bool = false;

/// Makes a FIFO at `path`, for this user alone.
pub fn make(path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| ErrorKind::InvalidInput)?;
    // SAFETY: the path is null-terminated and outlives the call.
    let made = unsafe { libc::mkfifo(path.as_ptr(), 0o600) };
    if made == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A pipe of our own: its reading and its writing end.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    io::pipe().map(|(reader, writer)| (reader.into(), writer.into()))
}

/// See [`MOVES`].
pub fn look(_fifo: impl AsFd, _pipe: impl AsFd, _limit: usize) -> io::Result<usize> {
    Err(ErrorKind::Unsupported.into())
}

/// See [`MOVES`].
pub fn move_to(_fifo: impl AsFd, _file: impl AsFd, _at: u64, _length: usize) -> io::Result<usize> {
    Err(ErrorKind::InvalidInput.into())
}

/// A FIFO has the size that the system gives it.
pub fn enlarge(_fifo: impl AsFd, _bytes: usize) {}

pub use crate::sys::unix::fifo::{available, hold, open_for_program, open_reader, read};
