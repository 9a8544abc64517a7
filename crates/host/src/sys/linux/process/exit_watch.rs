//! Knowing when a child has ended whose exit somebody else reads.

use super::pidfd;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// Readable when the child has ended. Reaps nothing.
#[derive(Debug)]
pub struct ExitWatch(OwnedFd);

impl ExitWatch {
    /// Watches a child that nobody has reaped, so that its number is still its own; it may have ended.
    ///
    /// # Errors
    /// When there is no such child, or no descriptor left.
    pub fn of_child(pid: u32) -> io::Result<Self> {
        let gone = || io::Error::other(format!("there is no child with pid {pid}"));
        pidfd::open(pid)?.map(Self).ok_or_else(gone)
    }

    /// Waits until it has ended, at most `timeout` (`None`: for good), and says whether it has.
    ///
    /// # Errors
    /// As poll(2).
    pub fn wait(&self, timeout: Option<Duration>) -> io::Result<bool> {
        pidfd::wait(self.0.as_fd(), timeout)
    }
}

impl AsFd for ExitWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
