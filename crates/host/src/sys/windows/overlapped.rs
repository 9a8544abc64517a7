//! Reading and writing that may take its time ("Synchronous and Asynchronous I/O").

use super::event::Event;
use super::object::{done, is};
use crate::fd::BorrowedFd;
use std::cell::UnsafeCell;
use std::io;
use std::os::windows::io::AsRawHandle;
use std::ptr;
use windows_sys::Win32::Foundation::{ERROR_IO_PENDING, ERROR_NOT_FOUND, STATUS_PENDING};
use windows_sys::Win32::Storage::FileSystem::{ReadFile, WriteFile};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};
use windows_sys::Win32::System::Pipes::ConnectNamedPipe;
use windows_sys::core::BOOL;

/// The most that one piece of I/O moves, in bytes.
const MOST: usize = 1 << 20;

/// One piece of I/O at a time on one handle, which may be under way while nobody waits for it. Its event is signalled when
/// it is over.
pub struct Operation {
    /// Where the system writes how far it has come; it must not move meanwhile.
    overlapped: Box<UnsafeCell<OVERLAPPED>>,
    /// What is written or read into, which must stay where it is likewise.
    buffer: Vec<u8>,
    under_way: bool,
}

impl Operation {
    /// None yet. `event` must be open as long as this is.
    pub fn new(event: &Event) -> Self {
        let overlapped = OVERLAPPED { hEvent: event.raw(), ..OVERLAPPED::default() };
        Self { overlapped: Box::new(UnsafeCell::new(overlapped)), buffer: Vec::new(), under_way: false }
    }

    /// Begins to wait for something to read in `pipe`, which a read of nothing does ("if a named pipe is being read in byte
    /// mode", it ends when something is there or all writers are gone) and which takes nothing away.
    ///
    /// # Errors
    /// What the system said, such as that the other end is gone.
    pub fn wait_to_read(&mut self, pipe: BorrowedFd<'_>) -> io::Result<()> {
        self.buffer.resize(1, 0);
        let place = self.buffer.as_mut_ptr();
        // SAFETY: nothing is written to the place; it and the state live until it is over (see `Drop` of the owners).
        self.begin(|state| unsafe { ReadFile(pipe.as_raw_handle(), place, 0, ptr::null_mut(), state) })
    }

    /// Begins to wait for somebody to connect to `pipe`.
    ///
    /// # Errors
    /// What the system said; `ERROR_PIPE_CONNECTED`: somebody has.
    pub fn wait_to_connect(&mut self, pipe: BorrowedFd<'_>) -> io::Result<()> {
        // SAFETY: the state lives until it is over.
        self.begin(|state| unsafe { ConnectNamedPipe(pipe.as_raw_handle(), state) })
    }

    /// Begins to write `bytes`, or the first of them, and says how many.
    ///
    /// # Errors
    /// What the system said.
    pub fn write(&mut self, pipe: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
        let bytes = bytes.get(..bytes.len().min(MOST)).unwrap_or_default();
        self.buffer.clear();
        self.buffer.extend_from_slice(bytes);
        let (place, length) = (self.buffer.as_ptr(), bytes.len() as u32);
        // SAFETY: the bytes and the state live until it is over.
        self.begin(|state| unsafe {
            WriteFile(pipe.as_raw_handle(), place, length, ptr::null_mut(), state)
        })?;
        Ok(bytes.len())
    }

    fn begin(&mut self, start: impl FnOnce(*mut OVERLAPPED) -> BOOL) -> io::Result<()> {
        match done(start(self.overlapped.get())) {
            Err(error) if !is(&error, ERROR_IO_PENDING) => return Err(error),
            _ => {}
        }
        self.under_way = true;
        Ok(())
    }

    /// Whether it was begun and not [taken in](Self::finish).
    pub fn is_under_way(&self) -> bool {
        self.under_way
    }

    /// Whether it is over, if it was begun (`HasOverlappedIoCompleted`).
    pub fn is_over(&self) -> bool {
        // SAFETY: the system may write it just now, hence volatile.
        let status = unsafe { (&raw const (*self.overlapped.get()).Internal).read_volatile() };
        self.under_way && status != STATUS_PENDING as usize
    }

    /// Takes in what became of it; waits for that, if it is not over.
    ///
    /// # Errors
    /// What the system said of it.
    pub fn finish(&mut self, pipe: BorrowedFd<'_>) -> io::Result<usize> {
        if !std::mem::take(&mut self.under_way) {
            return Ok(0);
        }
        let mut moved = 0;
        // SAFETY: the state is that of the last operation on this handle.
        done(unsafe { GetOverlappedResult(pipe.as_raw_handle(), self.overlapped.get(), &raw mut moved, 1) })?;
        Ok(moved as usize)
    }

    /// Ends it, if it was begun: from now on the system touches nothing of it.
    pub fn cancel(&mut self, pipe: BorrowedFd<'_>) -> io::Result<usize> {
        if self.under_way {
            cancel(pipe, self.overlapped.get());
        }
        self.finish(pipe)
    }
}

/// Asks the system to end what is under way on `handle` with this state; what is over already stays so.
pub fn cancel(handle: BorrowedFd<'_>, state: *const OVERLAPPED) {
    // SAFETY: the handle is open; a state that nothing is under way with is told by an error.
    match done(unsafe { CancelIoEx(handle.as_raw_handle(), state) }) {
        Err(error) if !is(&error, ERROR_NOT_FOUND) => {
            tracing::debug!(%error, "cannot end what is under way on a pipe");
        }
        _ => {}
    }
}
