//! Making another thread's wait end: an event.

use super::event::Event;
use crate::fd::{AsFd, BorrowedFd};
use std::io;

/// Readable from [`Wakeup::wake`] until [`Wakeup::take`].
#[derive(Debug)]
pub struct Wakeup(Event);

impl Wakeup {
    /// Not readable yet.
    pub fn new() -> io::Result<Self> {
        Event::new().map(Self)
    }

    /// Makes the present or next wait for it end.
    pub fn wake(&self) -> io::Result<()> {
        self.0.set()
    }

    /// Takes the call back, so that the next wait waits. Whether there was one.
    pub fn take(&self) -> bool {
        let called = self.0.is_set();
        // A call between the two is answered together with the one that was seen.
        called && self.0.reset().is_ok()
    }
}

impl AsFd for Wakeup {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
