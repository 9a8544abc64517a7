//! Following the output of processes.

use super::reader::{Chunk, OutputReader};
use super::selection::Selection;
use super::watch::{Bell, Change, FollowerWaker, Watches};
use crate::fd::{AsFd, BorrowedFd};
use crate::files::FileError;
use crate::layout::Layout;
use process_monitor_core::id::ProcessId;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// Follows both streams of any number of processes, across rotation and restarts: what an earlier run
/// has printed comes before what a later one has. A process, its folders and its files need not be
/// there yet, and may go. Sleeps until the system reports a change.
pub struct Follower {
    watches: Watches,
    bell: Bell,
    /// By key; keys are not given twice.
    processes: BTreeMap<usize, OutputReader>,
    next_key: usize,
    /// Those that may have output, in the order of their turns.
    ready: VecDeque<usize>,
}

impl Follower {
    /// Follows nobody yet.
    ///
    /// # Errors
    /// When the system's limit of inotify instances is reached.
    pub fn new() -> Result<Self, FileError> {
        let watches = Watches::new()?;
        let (bell, processes, ready) = (watches.bell(), BTreeMap::new(), VecDeque::new());
        Ok(Self { watches, bell, processes, next_key: 0, ready })
    }

    /// Follows `process`, too.
    ///
    /// # Errors
    /// When what is there cannot be read.
    pub fn follow(
        &mut self,
        layout: &Layout,
        process: &ProcessId,
        selection: Selection,
    ) -> Result<(), FileError> {
        let reader = OutputReader::open(layout, process, Selection { follow: true, ..selection })?;
        self.processes.insert(self.next_key, reader);
        self.ready.push_back(self.next_key);
        self.next_key += 1;
        Ok(())
    }

    /// Follows `process` no longer.
    pub fn unfollow(&mut self, process: &ProcessId) {
        let keys: Vec<usize> =
            self.processes.iter().filter(|(_, reader)| reader.is_of(process)).map(|(key, _)| *key).collect();
        for key in keys {
            self.processes.remove(&key);
            self.watches.remove(key);
        }
    }

    /// Makes [`Follower::next_chunk`] return, from another thread.
    pub fn waker(&self) -> FollowerWaker {
        self.watches.waker()
    }

    /// The next output; waits for it at most `timeout` (`None`: for good). `None` when none came, or when it
    /// was woken.
    /// Processes that print take turns.
    ///
    /// # Errors
    /// When something cannot be read or watched; the next call tries again.
    pub fn next_chunk(&mut self, timeout: Option<Duration>) -> Result<Option<Chunk>, FileError> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            if let Some(chunk) = self.next_ready()? {
                return Ok(Some(chunk));
            }
            let now = Instant::now();
            if until.is_some_and(|until| until <= now) {
                return Ok(None);
            }
            let held_back = self.processes.values().filter_map(OutputReader::deadline).min();
            let wait =
                [until, held_back].into_iter().flatten().min().map(|at| at.saturating_duration_since(now));
            if self.bell.wait(wait)? {
                return Ok(None);
            }
            self.take_changes()?;
        }
    }

    fn next_ready(&mut self) -> Result<Option<Chunk>, FileError> {
        self.take_changes()?;
        while let Some(key) = self.ready.pop_front() {
            let Some(process) = self.processes.get_mut(&key) else { continue };
            let result = match process.is_stale() {
                true => process.refresh(&mut self.watches, key).and_then(|()| process.next_chunk()),
                false => process.next_chunk(),
            };
            if !matches!(result, Ok(None)) {
                self.ready.push_back(key);
                return result;
            }
        }
        Ok(None)
    }

    fn take_changes(&mut self) -> Result<(), FileError> {
        let changes = self.watches.changes()?;
        let now = Instant::now();
        for (&key, process) in &mut self.processes {
            let lost = changes.everything.then_some(Change::Entries);
            if let Some(change) = lost.or_else(|| changes.keys.get(&key).copied()) {
                process.touch(change);
            } else if process.deadline().is_none_or(|at| at > now) {
                continue;
            }
            if !self.ready.contains(&key) {
                self.ready.push_back(key);
            }
        }
        Ok(())
    }
}

/// Readable when something has changed: to wait for more than output, then ask with a timeout of zero.
impl AsFd for Follower {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.watches.as_fd()
    }
}
