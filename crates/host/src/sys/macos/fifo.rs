//! FIFOs. Nothing looks into them without consuming, nor moves their bytes to a file in one step.

use crate::sys::unix::fifo::{OURS_ALONE, made};
use std::ffi::CString;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub use crate::sys::unix::fifo::{
    Made, Reader, available, hold, is_abandoned, kept_by_program, open_reader, read, reuse,
};

/// Whether this system can look into a FIFO and move its bytes to a file in one step that a kill cannot split.
pub const MOVES: bool = false;

/// Whether who waits for a FIFO is told that its last writer is gone: neither kqueue(2) nor poll(2), which stands on it, does;
/// they count bytes only (`vnode_readable_data_count()` in the kernel's vfs_vnops.c). Who reads sees it.
pub const TELLS_END: bool = false;

/// Makes a FIFO at `path`, for this user alone.
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is no such folder.
pub fn make(path: &Path) -> io::Result<Made> {
    create(path)?;
    made(path)
}

/// Makes one that nobody has open.
///
/// # Errors
/// What the system said.
pub fn create(path: &Path) -> io::Result<()> {
    let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| ErrorKind::InvalidInput)?;
    // SAFETY: the path is null-terminated and outlives the call.
    match unsafe { libc::mkfifo(name.as_ptr(), OURS_ALONE.as_raw_mode()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// See [`MOVES`].
pub struct Looker;

impl Looker {
    /// Never fails here.
    pub fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// See [`MOVES`].
    pub fn look(&mut self, _fifo: &Reader, _bytes: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::Unsupported.into())
    }
}

/// See [`MOVES`].
pub fn move_to(_fifo: &Reader, _file: impl AsFd, _at: u64, _length: usize) -> io::Result<usize> {
    Err(ErrorKind::InvalidInput.into())
}

/// A FIFO has the size that the system gives it.
pub fn enlarge(_fifo: &Reader, _bytes: usize) {}
