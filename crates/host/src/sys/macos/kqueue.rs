//! Kernel event queues: kqueue(2).

use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;
use std::time::Duration;

/// One queue. Its descriptor is readable when something is in it. Programs that this process starts do not get it, and
/// what is in it ends with the descriptors that it is about.
#[derive(Debug)]
pub struct Queue(OwnedFd);

/// What is in a queue, or is to be reported by it.
pub type Event = libc::kevent;

/// An event; see kevent(2) for what its parts mean.
pub fn event(ident: usize, filter: i16, flags: u16, fflags: u32) -> Event {
    Event { ident, filter, flags, fflags, data: 0, udata: ptr::null_mut() }
}

impl Queue {
    /// Reports nothing yet.
    pub fn new() -> io::Result<Self> {
        // Closed by an exec: a queue is not inherited by a fork either (kqueue(2)).
        let queue = rustix::event::kqueue::kqueue()?;
        rustix::io::fcntl_setfd(&queue, rustix::io::FdFlags::CLOEXEC)?;
        Ok(Self(queue))
    }

    /// Makes one change.
    ///
    /// # Errors
    /// What kevent(2) says of it.
    pub fn change(&self, change: Event) -> Result<(), Errno> {
        self.call(&[change], &mut [], None).map(drop)
    }

    /// Waits for events, at most `timeout` (`None`: for good), and says how many of `events` it has filled.
    ///
    /// # Errors
    /// What kevent(2) says; [`Errno::INTR`] when a signal interrupts.
    pub fn wait(&self, events: &mut [Event], timeout: Option<Duration>) -> Result<usize, Errno> {
        self.call(&[], events, timeout)
    }

    fn call(
        &self,
        changes: &[Event],
        events: &mut [Event],
        timeout: Option<Duration>,
    ) -> Result<usize, Errno> {
        let timeout = timeout.map(timespec);
        let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
        let count = |length: usize| libc::c_int::try_from(length).unwrap_or(libc::c_int::MAX);
        // SAFETY: both lists have at least the lengths that are given, and the time lives as long as the call.
        let filled = unsafe {
            libc::kevent(
                self.0.as_raw_fd(),
                changes.as_ptr(),
                count(changes.len()),
                events.as_mut_ptr(),
                count(events.len()),
                timeout,
            )
        };
        usize::try_from(filled).map_err(|_| last_error())
    }
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A time too long to write down is as good as none.
fn timespec(time: Duration) -> libc::timespec {
    let tv_sec = libc::time_t::try_from(time.as_secs()).unwrap_or(libc::time_t::MAX);
    libc::timespec { tv_sec, tv_nsec: libc::c_long::from(time.subsec_nanos().cast_signed()) }
}

fn last_error() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)
}
