//! Looking into a FIFO, and moving its bytes: tee(2) and splice(2).

use rustix::fs::{CWD, Mode, mkfifoat};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice, tee};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// Whether this system can look into a FIFO and move its bytes to a file in one step that a kill cannot split.
pub const MOVES: bool = true;

/// Makes a FIFO at `path`, for this user alone.
pub fn make(path: &Path) -> Result<(), Errno> {
    mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR)
}

/// A pipe of our own, not blocking: its reading and its writing end.
pub fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)
}

/// Copies what is next in `fifo` into `pipe` without consuming it, at most `limit` bytes. 0: all writers are gone;
/// [`Errno::AGAIN`]: nothing yet.
pub fn look(fifo: impl AsFd, pipe: impl AsFd, limit: usize) -> Result<usize, Errno> {
    tee(fifo, pipe, limit, SpliceFlags::NONBLOCK)
}

/// Moves up to `length` bytes from `fifo` to `at` of `file`, in one step that a kill cannot split. 0: all writers are
/// gone; [`Errno::AGAIN`]: nothing now; [`Errno::INVAL`]: not to this file system.
pub fn move_to(fifo: impl AsFd, file: impl AsFd, at: u64, length: usize) -> Result<usize, Errno> {
    let mut at = at;
    splice(fifo, None, file, Some(&mut at), length, SpliceFlags::NONBLOCK | SpliceFlags::MOVE)
}

/// Lets `fifo` hold `bytes`, if that is allowed; it works without, too.
pub fn enlarge(fifo: impl AsFd, bytes: usize) {
    let _ = fcntl_setpipe_size(fifo, bytes);
}
