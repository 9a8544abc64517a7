//! Waiting for many things on one thread: epoll(7), kqueue(2).

use crate::fd::AsFd;
use polling::{Event, Events, PollMode, Poller};
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

/// How many events one wait takes in.
const BATCH: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// See [`crate::reactor`].
pub struct Reactor {
    poller: Arc<Poller>,
    events: Events,
}

/// Wakes a [`Reactor`] from another thread.
#[derive(Clone)]
pub struct Waker(Arc<Poller>);

impl Waker {
    /// Makes the present or next [`Reactor::wait`] return.
    pub fn wake(&self) {
        if let Err(error) = self.0.notify() {
            tracing::error!(%error, "cannot wake the supervising thread");
        }
    }
}

impl Reactor {
    /// # Errors
    /// When the system has no descriptor left for it.
    pub fn new() -> io::Result<Self> {
        Ok(Self { poller: Arc::new(Poller::new()?), events: Events::with_capacity(BATCH) })
    }

    /// For other threads.
    pub fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.poller))
    }

    /// Has [`Reactor::wait`] report `key` once, when `source` is readable: a process when it has ended, a
    /// socket when there is something to receive. To be undone with [`Reactor::unwatch`] before `source` is
    /// dropped.
    ///
    /// # Errors
    /// When the system refuses, such as for want of memory.
    pub fn watch(&self, source: &impl AsFd, key: usize) -> io::Result<()> {
        // SAFETY: the caller keeps the source, and with it its descriptor, until `unwatch`. Should
        // it not, the kernel drops a closed descriptor from the set by itself (epoll(7), Q6).
        unsafe { self.poller.add_with_mode(&source.as_fd(), Event::readable(key), PollMode::Oneshot) }
    }

    /// Watches on after a report.
    ///
    /// # Errors
    /// As [`Reactor::watch`].
    pub fn watch_again(&self, source: &impl AsFd, key: usize) -> io::Result<()> {
        self.poller.modify_with_mode(source.as_fd(), Event::readable(key), PollMode::Oneshot)
    }

    /// Ends what [`Reactor::watch`] began.
    pub fn unwatch(&self, source: &impl AsFd) {
        if let Err(error) = self.poller.delete(source.as_fd()) {
            tracing::warn!(%error, "cannot stop watching a descriptor");
        }
    }

    /// Waits until something happened, [`Waker::wake`] was called or `timeout` is over, and gives the
    /// keys of what it happened to. `None` waits without end.
    ///
    /// # Errors
    /// Those of `epoll_wait(2)`; an interruption is not one.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<Vec<usize>> {
        self.events.clear();
        match self.poller.wait(&mut self.events, timeout) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(self.events.iter().map(|event| event.key).collect())
    }
}
