//! Looking into a FIFO, and moving its bytes: tee(2) and splice(2).

use rustix::fs::{CWD, Mode, mkfifoat};
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice, tee};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// Whether this system can look into a FIFO and move its bytes to a file in one step that a kill cannot split.
pub const MOVES: bool = true;

/// Makes a FIFO at `path`, for this user alone.
pub fn make(path: &Path) -> io::Result<()> {
    Ok(mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR)?)
}

/// A pipe of our own, not blocking: its reading and its writing end.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?)
}

/// Copies what is next in `fifo` into `pipe` without consuming it, at most `limit` bytes. 0: all writers are gone;
/// [`io::ErrorKind::WouldBlock`]: nothing yet.
pub fn look(fifo: impl AsFd, pipe: impl AsFd, limit: usize) -> io::Result<usize> {
    Ok(tee(fifo, pipe, limit, SpliceFlags::NONBLOCK)?)
}

/// Moves up to `length` bytes from `fifo` to `at` of `file`, in one step that a kill cannot split. 0: all writers are
/// gone; [`io::ErrorKind::WouldBlock`]: nothing now; [`io::ErrorKind::InvalidInput`]: not to this file system.
pub fn move_to(fifo: impl AsFd, file: impl AsFd, at: u64, length: usize) -> io::Result<usize> {
    let mut at = at;
    Ok(splice(fifo, None, file, Some(&mut at), length, SpliceFlags::NONBLOCK | SpliceFlags::MOVE)?)
}

/// Lets `fifo` hold `bytes`, if that is allowed; it works without, too.
pub fn enlarge(fifo: impl AsFd, bytes: usize) {
    let _ = fcntl_setpipe_size(fifo, bytes);
}

pub use crate::sys::unix::fifo::{available, hold, open_for_program, open_reader, read};
