//! Opening and reading a FIFO: fifo(7).

use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// Keeps what is written into the FIFO at `path`, as long as it is open. It is never read from. `None` for anything else than a
/// FIFO, and for what is gone again.
///
/// # Errors
/// What the system said.
pub fn hold(path: &Path) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let end = match open(path, flags, Mode::empty()) {
        Ok(end) => end,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    Ok((FileType::from_raw_mode(fstat(&end)?.st_mode) == FileType::Fifo).then_some(end))
}

/// Opens the FIFO at `path` for reading, without waiting for a writer.
///
/// # Errors
/// What the system said.
pub fn open_reader(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    Ok(open(path, flags, Mode::empty())?)
}

/// Opens the FIFO at `path` as a program gets it: for reading and writing, so that it never sees SIGPIPE, whoever reads.
///
/// # Errors
/// What the system said.
pub fn open_for_program(path: &Path) -> io::Result<OwnedFd> {
    Ok(open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?)
}

/// Reads what is there. 0: all writers are gone; [`io::ErrorKind::WouldBlock`]: nothing yet.
///
/// # Errors
/// What the system said.
pub fn read(fifo: impl AsFd, bytes: &mut [u8]) -> io::Result<usize> {
    Ok(rustix::io::retry_on_intr(|| rustix::io::read(&fifo, &mut *bytes))?)
}

/// How many bytes are there to be read (FIONREAD).
///
/// # Errors
/// What the system said.
pub fn available(fifo: impl AsFd) -> io::Result<u64> {
    Ok(rustix::io::ioctl_fionread(fifo)?)
}
