//! Which of many handles is signalled: a completion port.

use super::port::Port;
use crate::fd::AsFd;
use crate::sys::terms::Interest;
use std::io;
use std::time::Duration;

/// Says which of the handles given to it are signalled, as long as they are. Whoever closes one removes it first.
pub struct Readiness(Port);

impl Readiness {
    /// Knows no handle yet.
    pub fn new() -> io::Result<Self> {
        Port::new().map(Self)
    }

    /// Reports `source` as `token`, whatever it is signalled for.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] when it is known already.
    pub fn add(&self, source: impl AsFd, token: u64, _interest: Interest) -> io::Result<()> {
        self.0.add(source.as_fd(), token)
    }

    /// Reports `source`, which is known, as `token` from now on.
    pub fn change(&self, source: impl AsFd, token: u64, _interest: Interest) -> io::Result<()> {
        self.0.change(source.as_fd(), token)
    }

    /// Undoes [`Readiness::add`].
    pub fn remove(&self, source: impl AsFd) -> io::Result<()> {
        self.0.remove(source.as_fd())
    }

    /// Waits until something is signalled, at most `timeout` (`None`: for good), and puts its tokens into `ready`.
    pub fn wait(&self, ready: &mut Vec<u64>, timeout: Option<Duration>) -> io::Result<()> {
        self.0.wait(ready, timeout, true)
    }
}
