//! The other end of a connection.

use crate::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::sys::wait;
use crate::sys::windows::event::Event;
use crate::sys::windows::incoming::is_end;
use crate::sys::windows::object::{done, is, owned};
use crate::sys::windows::overlapped::cancel;
use crate::sys::windows::pipe;
use crate::sys::windows::users::wide;
use std::io::{self, ErrorKind, Read, Write};
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::ptr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use windows_sys::Win32::Foundation::{ERROR_IO_PENDING, ERROR_PIPE_BUSY, GENERIC_READ, GENERIC_WRITE};
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_FLAG_OVERLAPPED, OPEN_EXISTING, ReadFile, SECURITY_IDENTIFICATION,
    SECURITY_SQOS_PRESENT, WriteFile,
};
use windows_sys::Win32::System::IO::{GetOverlappedResult, OVERLAPPED};
use windows_sys::Win32::System::Pipes::WaitNamedPipeW;
use windows_sys::core::BOOL;

/// How long a listener may take to be ready for the next one, in milliseconds.
const BUSY: u32 = 2_000;

/// The most that one read or write moves, in bytes.
const MOST: usize = 1 << 20;

/// A connection on which who reads and who writes waits. Reading and writing do not get into each other's way.
#[derive(Debug)]
pub struct LocalStream {
    pipe: OwnedFd,
    /// Signalled: nothing is read any more.
    read_to_end: Event,
    /// Signalled: nothing is written any more.
    written_to_end: Event,
    timeout: Mutex<Option<Duration>>,
}

impl LocalStream {
    /// To who listens at `path`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when nobody does.
    pub fn connect(path: &Path) -> io::Result<Self> {
        let name = wide(&pipe::published_at(path)?);
        let pipe = loop {
            match open(&name) {
                Err(error) if is(&error, ERROR_PIPE_BUSY) => wait_for_room(&name)?,
                result => break result?,
            }
        };
        pipe::ensure_ours(pipe.as_fd())?;
        let (read_to_end, written_to_end) = (Event::new()?, Event::new()?);
        Ok(Self { pipe, read_to_end, written_to_end, timeout: Mutex::new(None) })
    }

    /// How long a read or a write may wait; `None`: for good.
    ///
    /// # Errors
    /// Never here.
    pub fn set_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        *self.timeout.lock().unwrap_or_else(PoisonError::into_inner) = timeout;
        Ok(())
    }

    /// Ends reading on this side: who waits to read sees the end.
    pub fn end_reading(&self) {
        // Fails for what is no event only.
        let _ = self.read_to_end.set();
    }

    /// Ends reading and writing.
    pub fn end(&self) {
        self.end_reading();
        // As above.
        let _ = self.written_to_end.set();
    }

    /// Does what `begin` begins, and waits for it, until `end` is signalled: `None`.
    fn transfer(
        &self,
        end: &Event,
        begin: impl FnOnce(*mut OVERLAPPED) -> BOOL,
    ) -> io::Result<Option<usize>> {
        if end.is_set() {
            return Ok(None);
        }
        let over = Event::new()?;
        let mut state = OVERLAPPED { hEvent: over.raw(), ..OVERLAPPED::default() };
        match done(begin(&raw mut state)) {
            Err(error) if !is(&error, ERROR_IO_PENDING) => return Err(error),
            _ => {}
        }
        let timeout = *self.timeout.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = wait::any(&[over.as_fd(), end.as_fd()], timeout);
        let is_done = matches!(waited.as_deref(), Ok([true, _]));
        if !is_done {
            cancel(self.pipe.as_fd(), &raw const state);
        }
        // Waits until the system touches nothing of it any more.
        match (result(self.pipe.as_fd(), &state), waited.as_deref()) {
            (Ok(moved), _) => Ok(Some(moved)),
            (Err(error), Ok([true, _])) => Err(error),
            (Err(_), Ok([_, true])) => Ok(None),
            (Err(_), Ok(_)) => Err(ErrorKind::TimedOut.into()),
            (Err(_), Err(_)) => waited.map(|_| None),
        }
    }
}

fn result(pipe: BorrowedFd<'_>, state: &OVERLAPPED) -> io::Result<usize> {
    let mut moved = 0;
    // SAFETY: the state is that of an operation on this handle which was begun.
    done(unsafe { GetOverlappedResult(pipe.as_raw_handle(), state, &raw mut moved, 1) })?;
    Ok(moved as usize)
}

impl Read for &LocalStream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let (pipe, place) = (self.pipe.as_raw_handle(), bytes.as_mut_ptr());
        let length = bytes.len().min(MOST) as u32;
        // SAFETY: `transfer` waits until it is over.
        let read = self.transfer(&self.read_to_end, |state| unsafe {
            ReadFile(pipe, place, length, ptr::null_mut(), state)
        });
        match read {
            Err(error) if is_end(&error) => Ok(0),
            read => Ok(read?.unwrap_or(0)),
        }
    }
}

impl Write for &LocalStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (pipe, place) = (self.pipe.as_raw_handle(), bytes.as_ptr());
        let length = bytes.len().min(MOST) as u32;
        // SAFETY: `transfer` waits until it is over.
        let written = self.transfer(&self.written_to_end, |state| unsafe {
            WriteFile(pipe, place, length, ptr::null_mut(), state)
        });
        written?.ok_or_else(|| ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whoever listens may learn who we are, and not act as we.
fn open(name: &[u16]) -> io::Result<OwnedFd> {
    let flags = FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION;
    let access = GENERIC_READ | GENERIC_WRITE;
    // SAFETY: the name is null-terminated.
    owned(unsafe {
        CreateFileW(name.as_ptr(), access, 0, ptr::null(), OPEN_EXISTING, flags, ptr::null_mut())
    })
}

fn wait_for_room(name: &[u16]) -> io::Result<()> {
    // SAFETY: the name is null-terminated.
    done(unsafe { WaitNamedPipeW(name.as_ptr(), BUSY) })
}
