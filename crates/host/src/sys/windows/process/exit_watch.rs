//! Knowing when a child has ended whose exit somebody else reads.

use super::open;
use crate::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::sys::windows::object::wait;
use std::io;
use std::time::Duration;

/// Signalled when the child has ended.
#[derive(Debug)]
pub struct ExitWatch(OwnedFd);

impl ExitWatch {
    /// Watches a child that somebody holds, so that its number is still its own; it may have ended.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn of_child(pid: u32) -> io::Result<Self> {
        let gone = || io::Error::other(format!("there is no child with pid {pid}"));
        open::open(pid, 0)?.map(Self).ok_or_else(gone)
    }

    /// Waits until it has ended, at most `timeout` (`None`: for good), and says whether it has.
    ///
    /// # Errors
    /// As `WaitForSingleObject`.
    pub fn wait(&self, timeout: Option<Duration>) -> io::Result<bool> {
        wait(self.0.as_fd(), timeout)
    }
}

impl AsFd for ExitWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
