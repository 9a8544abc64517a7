//! Looking into a FIFO, and moving its bytes: tee(2) and splice(2).

use crate::sys::unix::fifo::{OURS_ALONE, made};
use rustix::fs::{CWD, mkfifoat};
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with, splice, tee};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

pub use crate::sys::unix::fifo::{
    Made, Reader, available, hold, is_abandoned, kept_by_program, open_reader, read, reuse,
};

/// Whether this system can look into a FIFO and move its bytes to a file in one step that a kill cannot split.
pub const MOVES: bool = true;

/// Whether who waits for a FIFO is told that its last writer is gone.
pub const TELLS_END: bool = true;

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
    Ok(mkfifoat(CWD, path, OURS_ALONE)?)
}

/// A pipe of our own into which the head of a FIFO is duplicated. It is empty between looks.
pub struct Looker {
    reader: OwnedFd,
    writer: OwnedFd,
}

impl Looker {
    /// # Errors
    /// When there are no descriptors left.
    pub fn new() -> io::Result<Self> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        Ok(Self { reader, writer })
    }

    /// Copies what is next in `fifo` to `bytes` without consuming it, as much as fits at most. 0: all writers are gone. There may be
    /// more than is shown: tee copies as many of the pipe's buffers as fit into ours.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`]: nothing yet.
    pub fn look(&mut self, fifo: &Reader, bytes: &mut [u8]) -> io::Result<usize> {
        let shown = tee(fifo, &self.writer, bytes.len(), SpliceFlags::NONBLOCK)?;
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..shown).filter(|rest| !rest.is_empty()) {
            match read(&self.reader, rest) {
                Ok(read) if read > 0 => filled += read,
                other => return Err(self.renew(other.err().unwrap_or(ErrorKind::UnexpectedEof.into()))),
            }
        }
        Ok(shown)
    }

    /// After a failed read the pipe may not be empty, and its content would be taken for the next FIFO's.
    fn renew(&mut self, failure: io::Error) -> io::Error {
        match Self::new() {
            Ok(new) => *self = new,
            Err(error) => return error,
        }
        failure
    }
}

/// Moves up to `length` bytes from `fifo` to `at` of `file`, in one step that a kill cannot split. 0: all writers are
/// gone; [`ErrorKind::WouldBlock`]: nothing now; [`ErrorKind::InvalidInput`]: not to this file system.
pub fn move_to(fifo: &Reader, file: impl AsFd, at: u64, length: usize) -> io::Result<usize> {
    let mut at = at;
    Ok(splice(fifo, None, file, Some(&mut at), length, SpliceFlags::NONBLOCK | SpliceFlags::MOVE)?)
}

/// Lets `fifo` hold `bytes`, if that is allowed; it works without, too. One that holds more stays so: its program wants that.
pub fn enlarge(fifo: &Reader, bytes: usize) {
    if fcntl_getpipe_size(fifo).is_ok_and(|size| size < bytes) {
        let _ = fcntl_setpipe_size(fifo, bytes);
    }
}
