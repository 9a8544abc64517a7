//! Making another thread's wait end: an event of our own in a queue (EVFILT_USER, kqueue(2)).

use super::kqueue::{Event, Queue, event};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// Readable from [`Wakeup::wake`] until [`Wakeup::take`].
#[derive(Debug)]
pub struct Wakeup(Queue);

impl Wakeup {
    /// Not readable yet.
    pub fn new() -> io::Result<Self> {
        let queue = Queue::new()?;
        // Cleared by being taken.
        queue.change(event(0, libc::EVFILT_USER, libc::EV_ADD | libc::EV_CLEAR, 0))?;
        Ok(Self(queue))
    }

    /// Makes the present or next wait for it end.
    pub fn wake(&self) -> io::Result<()> {
        Ok(self.0.change(event(0, libc::EVFILT_USER, 0, libc::NOTE_TRIGGER))?)
    }

    /// Takes the call back, so that the next wait waits. Whether there was one.
    pub fn take(&self) -> bool {
        let mut events: [Event; 1] = [event(0, 0, 0, 0)];
        self.0.wait(&mut events, Some(Duration::ZERO)).is_ok_and(|taken| taken > 0)
    }
}

impl AsFd for Wakeup {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
