//! What takes the part of FIFOs: named pipes, of which a small file at the FIFO's place tells.
//!
//! A pipe has no place in the file system, and lives, with what was not read yet, as long as somebody has its *reading* end open.
//! So that this does not take a monitor or a logger, the program itself has it open, too, and does not know. Whoever needs it
//! takes it from any process that has it (`DuplicateHandle`), of which the file at the FIFO's place tells ([`place`], [`holders`]).
//! The end of the output is, as on other systems, that nobody has the writing end open any more.
//!
//! Nothing looks into a pipe *and* moves its bytes to a file in one step; `output/logger/staging.rs` does what must not be split.

mod holders;
mod place;

use super::incoming::Incoming;
use super::object::owned;
use super::pipe;
use super::security::OwnerOnly;
use super::users::wide;
use crate::fd::{AsFd, BorrowedFd, OwnedFd};
use place::Place;
use std::io::{self, ErrorKind};
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::ptr;
use windows_sys::Win32::Foundation::GENERIC_WRITE;
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, FILE_READ_ATTRIBUTES, OPEN_EXISTING,
    PIPE_ACCESS_INBOUND, SECURITY_IDENTIFICATION, SECURITY_SQOS_PRESENT,
};
use windows_sys::Win32::System::Pipes::{
    CreateNamedPipeW, PIPE_READMODE_BYTE, PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE, PIPE_WAIT,
};

/// See `sys/linux`: not here.
pub const MOVES: bool = false;

/// Whether who waits for a FIFO is told that its last writer is gone.
pub const TELLS_END: bool = true;

/// How much is kept of what was not read yet, in bytes, before a program that prints has to wait.
const BUFFER: u32 = 64 << 10;

/// A FIFO's reading end, as the logger has it.
pub type Reader = Incoming;

/// A new FIFO.
#[derive(Debug)]
pub struct Made {
    /// The program's end.
    pub program: OwnedFd,
    /// Its reading end, for who keeps it open and does not read.
    pub hold: OwnedFd,
}

/// Makes a FIFO at `path`, for this user alone.
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is no such folder.
pub fn make(path: &Path) -> io::Result<Made> {
    let name = pipe::fresh_name()?;
    let hold = reading_end(&name)?;
    let program = writing_end(&name)?;
    Place::write(path, &name, &hold)?;
    Ok(Made { program, hold })
}

/// There is none that nobody has open.
///
/// # Errors
/// Always.
pub fn create(_path: &Path) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

/// None here has served another run.
///
/// # Errors
/// None.
pub fn reuse(_spare: &Path, _path: &Path) -> io::Result<Option<Made>> {
    Ok(None)
}

/// None here is there when nobody has it open.
///
/// # Errors
/// None.
pub fn is_abandoned(_path: &Path) -> io::Result<bool> {
    Ok(false)
}

/// What of a run's reading end the program is to have open, so that what it has printed lives as long as it does.
pub fn kept_by_program(hold: &OwnedFd) -> Option<BorrowedFd<'_>> {
    Some(hold.as_fd())
}

/// Opens a FIFO for reading.
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is none, or nobody has it open any more: then nothing is left in it either.
pub fn open_reader(path: &Path) -> io::Result<Reader> {
    Incoming::new(open(path)?)
}

/// The reading end of a FIFO, for who keeps it open and does not read; `None` for anything else, and for what is gone.
///
/// # Errors
/// When it cannot be opened.
pub fn hold(path: &Path) -> io::Result<Option<OwnedFd>> {
    match open(path) {
        Ok(end) => Ok(Some(end)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidData) => Ok(None),
        Err(error) => Err(error),
    }
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    let place = Place::read(path)?;
    let end = holders::take(&place, path)?;
    // For who comes when all others are gone.
    place::add(path, &end)?;
    Ok(end)
}

/// Reads what is in `fifo`, at most as much as fits. 0: all writers are gone.
///
/// # Errors
/// [`ErrorKind::WouldBlock`]: nothing now.
pub fn read(fifo: &Reader, bytes: &mut [u8]) -> io::Result<usize> {
    fifo.read(bytes)
}

/// How many bytes are in `fifo`.
///
/// # Errors
/// What the system said.
pub fn available(fifo: &Reader) -> io::Result<u64> {
    fifo.available()
}

/// Looks into FIFOs.
pub struct Looker;

impl Looker {
    /// Never fails here.
    pub fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// Copies what is next in `fifo` to `bytes` without consuming it, as much as fits at most. 0: all writers are gone.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`]: nothing yet.
    pub fn look(&mut self, fifo: &Reader, bytes: &mut [u8]) -> io::Result<usize> {
        fifo.look(bytes)
    }
}

/// See [`MOVES`].
pub fn move_to(_fifo: &Reader, _file: impl AsFd, _at: u64, _length: usize) -> io::Result<usize> {
    Err(ErrorKind::InvalidInput.into())
}

/// A pipe has the size that it was made with.
pub fn enlarge(_fifo: &Reader, _bytes: usize) {}

fn reading_end(name: &str) -> io::Result<OwnedFd> {
    let only_us = OwnerOnly::new()?;
    let name = wide(name);
    // SAFETY: the name is null-terminated, and the attributes live as long as the call.
    owned(unsafe {
        CreateNamedPipeW(
            name.as_ptr(),
            PIPE_ACCESS_INBOUND | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
            PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
            1,
            BUFFER,
            BUFFER,
            0,
            only_us.as_ptr(),
        )
    })
}

/// For programs, which know nothing of overlapped I/O. With the right to look at it, as pipes of the system have it, too.
fn writing_end(name: &str) -> io::Result<OwnedFd> {
    let name = wide(name);
    let flags = SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION;
    // SAFETY: the name is null-terminated.
    owned(unsafe {
        CreateFileW(
            name.as_ptr(),
            GENERIC_WRITE | FILE_READ_ATTRIBUTES,
            0,
            ptr::null(),
            OPEN_EXISTING,
            flags,
            ptr::null_mut(),
        )
    })
}

/// The number of an open handle, in this process.
fn number(handle: &OwnedFd) -> usize {
    handle.as_raw_handle().addr()
}

#[cfg(test)]
mod tests;
