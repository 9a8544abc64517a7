//! Opening and reading a FIFO: fifo(7).

use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
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

/// The mode of a FIFO.
pub(in crate::sys) const OURS_ALONE: Mode = Mode::RUSR.union(Mode::WUSR);

/// A FIFO's reading end, as the logger has it.
pub type Reader = OwnedFd;

/// A new FIFO.
#[derive(Debug)]
pub struct Made {
    /// The program's end.
    pub program: OwnedFd,
    /// Its reading end, for who keeps it open and does not read.
    pub hold: OwnedFd,
}

/// Opens both ends of the FIFO at `path`, which was just made.
pub(in crate::sys) fn made(path: &Path) -> io::Result<Made> {
    Ok(Made { program: open_for_program(path)?, hold: open_reader(path)? })
}

/// Opens both ends of the FIFO at `spare`, and renames it to `path`. `None`: there is none, or somebody has it open for writing, or
/// something is in it, or it is open to others; then it is left as it is.
///
/// # Errors
/// What the system said; nothing is at `path` then.
pub fn reuse(spare: &Path, path: &Path) -> io::Result<Option<Made>> {
    let Some(hold) = hold(spare)? else { return Ok(None) };
    // A program may have given it away, or opened it to others.
    let stat = fstat(&hold)?;
    if Mode::from_raw_mode(stat.st_mode) != OURS_ALONE || stat.st_uid != rustix::process::geteuid().as_raw() {
        return Ok(None);
    }
    // A read tells whether somebody could write, but would consume what is there.
    let is_unused = available(&hold)? == 0 && matches!(read(&hold, &mut [0]), Ok(0));
    if !is_unused {
        return Ok(None);
    }
    let program = open_for_program(spare)?;
    std::fs::rename(spare, path)?;
    Ok(Some(Made { program, hold }))
}

/// Whether nobody has the FIFO at `path` open, so that nothing is in it: only a reader keeps what is written, and a program has its own
/// open for reading, too. One that is gone is not.
///
/// # Errors
/// What the system said.
pub fn is_abandoned(path: &Path) -> io::Result<bool> {
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match open(path, flags, Mode::empty()) {
        Ok(_) | Err(Errno::NOENT) => Ok(false),
        // fifo(7): so it is when there is no reader.
        Err(Errno::NXIO) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Which reading end a program is to have open, so that what it printed lives as long as it does: none, for it has its FIFO open
/// for reading as well.
pub fn kept_by_program(_hold: &OwnedFd) -> Option<BorrowedFd<'_>> {
    None
}

/// Opens the FIFO at `path` for reading, without waiting for a writer.
///
/// # Errors
/// [`io::ErrorKind::NotFound`] when there is none.
pub fn open_reader(path: &Path) -> io::Result<Reader> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    Ok(open(path, flags, Mode::empty())?)
}

/// Opens the FIFO at `path` as a program gets it: for reading and writing, so that it never sees SIGPIPE, whoever reads.
fn open_for_program(path: &Path) -> io::Result<OwnedFd> {
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
