//! Waiting for many things on one thread: a completion port.

use super::port::{Port, Queue};
use crate::fd::AsFd;
use std::io;
use std::time::Duration;

/// See [`crate::reactor`].
pub struct Reactor {
    port: Port,
    ready: Vec<u64>,
}

/// Wakes a [`Reactor`] from another thread.
#[derive(Clone)]
pub struct Waker(Queue);

impl Waker {
    /// Makes the present or next [`Reactor::wait`] return.
    pub fn wake(&self) {
        if let Err(error) = self.0.wake() {
            tracing::error!(%error, "cannot wake the supervising thread");
        }
    }
}

impl Reactor {
    /// # Errors
    /// When the system has no handle left for it.
    pub fn new() -> io::Result<Self> {
        Ok(Self { port: Port::new()?, ready: Vec::new() })
    }

    /// For other threads.
    pub fn waker(&self) -> Waker {
        Waker(self.port.queue().clone())
    }

    /// Has [`Reactor::wait`] report `key` once, when `source` is signalled: a process when it has ended, a
    /// pipe when there is something to receive. To be undone with [`Reactor::unwatch`] before `source` is
    /// dropped.
    ///
    /// # Errors
    /// When it is watched already.
    pub fn watch(&self, source: &impl AsFd, key: usize) -> io::Result<()> {
        self.port.add(source.as_fd(), key as u64)
    }

    /// Watches on after a report.
    ///
    /// # Errors
    /// When it is not watched.
    pub fn watch_again(&self, source: &impl AsFd, key: usize) -> io::Result<()> {
        self.port.change(source.as_fd(), key as u64)
    }

    /// Ends what [`Reactor::watch`] began.
    pub fn unwatch(&self, source: &impl AsFd) {
        if let Err(error) = self.port.remove(source.as_fd()) {
            tracing::warn!(%error, "cannot stop watching a handle");
        }
    }

    /// Waits until something happened, [`Waker::wake`] was called or `timeout` is over, and gives the
    /// keys of what it happened to. `None` waits without end.
    ///
    /// # Errors
    /// What the system said.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<Vec<usize>> {
        self.port.wait(&mut self.ready, timeout, false)?;
        Ok(self.ready.iter().filter_map(|key| usize::try_from(*key).ok()).collect())
    }
}
