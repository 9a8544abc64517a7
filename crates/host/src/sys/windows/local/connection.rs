//! The listener's end of a connection.

use crate::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::sys::windows::incoming::Incoming;
use crate::sys::windows::overlapped::Operation;
use std::cell::RefCell;
use std::io::{self, ErrorKind};

/// The most that is on its way at a time, in bytes.
const MOST: usize = 64 << 10;

/// A connection for which nothing waits. Its handle, for who waits, is an event: signalled while something has arrived, and when
/// what was being sent is sent.
pub struct LocalConnection {
    incoming: Incoming,
    /// What is being sent while nobody waits for it.
    sending: RefCell<Operation>,
}

impl LocalConnection {
    /// Over `pipe`.
    pub(super) fn new(pipe: OwnedFd) -> io::Result<Self> {
        let incoming = Incoming::new(pipe)?;
        let sending = RefCell::new(Operation::new(incoming.event()));
        Ok(Self { incoming, sending })
    }

    /// Takes what has arrived. 0: the other end is gone.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`] when nothing has.
    pub fn receive(&self, bytes: &mut [u8]) -> io::Result<usize> {
        let received = self.incoming.read(bytes);
        if received.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
            self.take_in_sent()?;
            self.settle()?;
        }
        received
    }

    /// Begins to send what it can of `bytes`, and says how much.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`] when it can send nothing now.
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.take_in_sent()?;
        let mut sending = self.sending.borrow_mut();
        if sending.is_under_way() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let sent =
            sending.write(self.incoming.pipe(), bytes.get(..bytes.len().min(MOST)).unwrap_or_default());
        drop(sending);
        // It began with the event being signalled no more, whatever had arrived.
        self.settle()?;
        sent
    }

    fn take_in_sent(&self) -> io::Result<()> {
        let mut sending = self.sending.borrow_mut();
        if sending.is_over() { sending.finish(self.incoming.pipe()).map(drop) } else { Ok(()) }
    }

    /// Signals the event if there is a reason. What comes in the meantime signals it by itself.
    fn settle(&self) -> io::Result<()> {
        let event = self.incoming.event();
        event.reset()?;
        if self.incoming.is_waiting() && !self.sending.borrow().is_over() { Ok(()) } else { event.set() }
    }
}

impl AsFd for LocalConnection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.incoming.as_fd()
    }
}

impl Drop for LocalConnection {
    fn drop(&mut self) {
        // Whatever it says: afterwards nothing is under way.
        let _ = self.sending.get_mut().cancel(self.incoming.pipe());
    }
}
