//! Programs cannot say by sd_notify(3) how they are: that needs datagrams of Unix sockets, which this system does not have.

use crate::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::sys::handover::{Gift, Heir, Heritable};
use process_monitor_core::notice::Notice;
use std::io::{self, ErrorKind};
use std::path::Path;

/// There is none.
#[derive(Debug)]
pub enum NotifySocket {}

impl NotifySocket {
    /// # Errors
    /// Always, and says what to do instead.
    pub fn bind(_path: &Path) -> io::Result<Self> {
        Err(io::Error::new(
            ErrorKind::Unsupported,
            "Windows has no sd_notify; let the program say that it is ready by a line of its output, or have it asked by HTTP, \
             TCP or a command",
        ))
    }

    /// Nobody calls it.
    pub fn path(&self) -> &Path {
        match *self {}
    }

    /// Nobody calls it.
    ///
    /// # Errors
    /// Never.
    pub fn receive(&self) -> io::Result<Vec<Notice>> {
        match *self {}
    }

    /// Nobody calls it.
    ///
    /// # Errors
    /// Never.
    pub fn remove(&self) -> io::Result<()> {
        match *self {}
    }
}

impl AsFd for NotifySocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match *self {}
    }
}

impl Heritable for NotifySocket {
    fn give(&self, _heir: &Heir<'_>) -> io::Result<Gift> {
        match *self {}
    }
}

/// There are none.
#[derive(Debug, Default)]
pub struct KeptSockets(());

impl KeptSockets {
    /// None: whatever came is closed.
    pub fn new(handles: Vec<OwnedFd>) -> Self {
        drop(handles);
        Self(())
    }

    /// None.
    pub fn take(&mut self, _path: &Path) -> Option<NotifySocket> {
        None
    }
}
