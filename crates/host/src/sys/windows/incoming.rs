//! What comes through a pipe, for who waits for many of them.

use super::event::Event;
use super::object::{done, is};
use super::overlapped::Operation;
use crate::fd::{AsFd, BorrowedFd, OwnedFd};
use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::os::windows::io::AsRawHandle;
use std::ptr;
use windows_sys::Win32::Foundation::{ERROR_BROKEN_PIPE, ERROR_IO_PENDING, ERROR_PIPE_NOT_CONNECTED};
use windows_sys::Win32::Storage::FileSystem::ReadFile;
use windows_sys::Win32::System::IO::{GetOverlappedResult, OVERLAPPED};
use windows_sys::Win32::System::Pipes::PeekNamedPipe;

/// The most that one read takes, in bytes.
const MOST: usize = 1 << 30;

thread_local! {
    /// Of the read that this thread does just now.
    static DONE: io::Result<Event> = Event::new();
}

/// What a look showed.
#[derive(Default)]
struct Seen {
    /// So many bytes were shown.
    shown: u32,
    /// So many are there.
    there: u32,
}

/// The reading end of a pipe that was opened for overlapped I/O. Its handle, for who waits, is an event: signalled while there is
/// something to read, or nothing ever again; after a read that found nothing, from then on.
pub struct Incoming {
    pipe: OwnedFd,
    event: Event,
    arrival: RefCell<Operation>,
}

impl Incoming {
    /// Of `pipe`.
    ///
    /// # Errors
    /// When there is no memory for an event.
    pub fn new(pipe: OwnedFd) -> io::Result<Self> {
        // Signalled: whether there is something is not known yet.
        let event = Event::new()?;
        event.set()?;
        let arrival = RefCell::new(Operation::new(&event));
        Ok(Self { pipe, event, arrival })
    }

    /// The pipe itself.
    pub fn pipe(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }

    /// The event.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// How many bytes are there to be read; none also at the end.
    ///
    /// # Errors
    /// What the system said.
    pub fn available(&self) -> io::Result<u64> {
        Ok(self.peek(&mut [])?.map_or(0, |seen| seen.there).into())
    }

    /// Reads what is there, at most as much as fits. 0: all writers are gone.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`]: nothing now.
    pub fn read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.seen(&mut [])? {
            None => Ok(0),
            Some(Seen { there, .. }) => {
                let length = bytes.len().min(there as usize);
                read_now(self.pipe.as_fd(), bytes.get_mut(..length).unwrap_or_default())
            }
        }
    }

    /// As [`Incoming::read`], without taking it away.
    ///
    /// # Errors
    /// As of [`Incoming::read`].
    pub fn look(&self, bytes: &mut [u8]) -> io::Result<usize> {
        Ok(self.seen(bytes)?.map_or(0, |seen| seen.shown as usize))
    }

    /// What is there; nothing is an error.
    fn seen(&self, bytes: &mut [u8]) -> io::Result<Option<Seen>> {
        let seen = self.peek(bytes)?;
        if seen.as_ref().is_some_and(|seen| seen.there == 0) {
            self.wait_for_more()?;
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(seen)
    }

    /// Whether it waits for something, which has not come yet.
    pub fn is_waiting(&self) -> bool {
        let arrival = self.arrival.borrow();
        arrival.is_under_way() && !arrival.is_over()
    }

    /// `None`: all writers are gone, and nothing is left.
    fn peek(&self, bytes: &mut [u8]) -> io::Result<Option<Seen>> {
        let mut seen = Seen::default();
        let length = bytes.len().min(MOST) as u32;
        // SAFETY: the handle is open, and there is as much room as is told.
        let looked = done(unsafe {
            let place = bytes.as_mut_ptr().cast();
            PeekNamedPipe(
                self.pipe.as_raw_handle(),
                place,
                length,
                &raw mut seen.shown,
                &raw mut seen.there,
                ptr::null_mut(),
            )
        });
        match looked {
            Ok(()) => Ok(Some(seen)),
            Err(error) if is_end(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Has the event signalled when there is something. A writer that wrote nothing signals it, too.
    fn wait_for_more(&self) -> io::Result<()> {
        if self.is_waiting() {
            return Ok(());
        }
        let mut arrival = self.arrival.borrow_mut();
        let end = arrival.finish(self.pipe.as_fd());
        self.event.reset()?;
        match end.and_then(|_| arrival.wait_to_read(self.pipe.as_fd())) {
            Err(error) if is_end(&error) => self.event.set(),
            result => result,
        }
    }
}

impl AsFd for Incoming {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // Whatever it says: afterwards nothing is under way.
        let _ = self.arrival.get_mut().cancel(self.pipe.as_fd());
    }
}

/// Whether all writers are gone, or the one that there can be.
pub fn is_end(error: &io::Error) -> bool {
    is(error, ERROR_BROKEN_PIPE) || is(error, ERROR_PIPE_NOT_CONNECTED)
}

/// Reads what is known to be there.
fn read_now(pipe: BorrowedFd<'_>, bytes: &mut [u8]) -> io::Result<usize> {
    DONE.with(|over| {
        let over = over.as_ref().map_err(|error| io::Error::from(error.kind()))?;
        let mut state = OVERLAPPED { hEvent: over.raw(), ..OVERLAPPED::default() };
        let (mut read, length) = (0, bytes.len().min(MOST) as u32);
        // SAFETY: place and state live until it is over, for which is waited below.
        let begun = done(unsafe {
            ReadFile(pipe.as_raw_handle(), bytes.as_mut_ptr(), length, ptr::null_mut(), &raw mut state)
        });
        match begun {
            Err(error) if is_end(&error) => return Ok(0),
            Err(error) if !is(&error, ERROR_IO_PENDING) => return Err(error),
            _ => {}
        }
        // SAFETY: the state is that of the read above.
        done(unsafe { GetOverlappedResult(pipe.as_raw_handle(), &raw const state, &raw mut read, 1) })?;
        Ok(read as usize)
    })
}
