//! Following for many readers at a time, of which none has a thread or an inotify instance of its own
//! (of those a user has 128 by default).

use super::cursor::Cursor;
use super::reader::{Chunk, OutputReader};
use super::selection::Selection;
use super::watch::{Bell, Change, FollowerWaker, Watches};
use crate::files::FileError;
use crate::layout::Layout;
use process_monitor_core::id::ProcessId;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// After an error of the system, before it is asked again.
const BREATH: Duration = Duration::from_secs(1);

/// Watches folders for any number of [`LiveReader`]s, with one thread. Ends when it and they are dropped.
pub struct WatchHub {
    shared: Arc<Shared>,
}

struct Shared {
    /// Locked for a few system calls at a time.
    state: Mutex<State>,
    waker: FollowerWaker,
    over: AtomicBool,
}

struct State {
    watches: Watches,
    listeners: HashMap<usize, Listener>,
    next_key: usize,
}

struct Listener {
    /// What has changed since its reader looked.
    change: Option<Change>,
    wake: Box<dyn Fn() + Send>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WatchHub {
    /// A hub without readers.
    ///
    /// # Errors
    /// When the system refuses a thread or an inotify instance.
    pub fn new() -> Result<Self, FileError> {
        let watches = Watches::new()?;
        let (waker, bell) = (watches.waker(), watches.bell());
        let state = State { watches, listeners: HashMap::new(), next_key: 0 };
        let shared = Arc::new(Shared { state: Mutex::new(state), waker, over: AtomicBool::new(false) });
        let listening = Arc::clone(&shared);
        thread::Builder::new()
            .name("output".into())
            .spawn(move || listening.listen(&bell))
            .map_err(FileError::os("start a thread to watch", std::path::Path::new("/")))?;
        Ok(Self { shared })
    }

    /// A reader of what a process prints. `wake` is called, on another thread, whenever there may be more.
    ///
    /// # Errors
    /// When what is there cannot be read.
    pub fn follow(
        &self,
        layout: &Layout,
        process: &ProcessId,
        selection: Selection,
        wake: impl Fn() + Send + 'static,
    ) -> Result<LiveReader, FileError> {
        let reader = OutputReader::open(layout, process, Selection { follow: true, ..selection })?;
        let mut state = self.shared.state();
        let key = state.next_key;
        state.next_key += 1;
        state.listeners.insert(key, Listener { change: None, wake: Box::new(wake) });
        drop(state);
        Ok(LiveReader { reader, shared: Arc::clone(&self.shared), key })
    }
}

impl Drop for WatchHub {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        self.shared.waker.wake();
    }
}

impl Shared {
    fn listen(&self, bell: &Bell) {
        while !self.over.load(Ordering::Relaxed) {
            if let Err(error) = bell.wait(None).and_then(|_| self.state().tell()) {
                tracing::warn!(%error, "cannot watch what programs print, trying again");
                thread::sleep(BREATH);
            }
        }
    }
}

impl State {
    fn tell(&mut self) -> Result<(), FileError> {
        let changes = self.watches.changes()?;
        for (key, listener) in &mut self.listeners {
            let lost = changes.everything.then_some(Change::Entries);
            if let Some(change) = lost.or_else(|| changes.keys.get(key).copied()) {
                listener.change = listener.change.max(Some(change));
                (listener.wake)();
            }
        }
        Ok(())
    }
}

/// Follows one process over a [`WatchHub`]. Its calls read files, and wait for nothing.
pub struct LiveReader {
    reader: OutputReader,
    shared: Arc<Shared>,
    key: usize,
}

impl LiveReader {
    /// The next output that is there. After `None`, `wake` is called when there may be more, except for what
    /// [`deadline`](Self::deadline) tells.
    ///
    /// # Errors
    /// When something cannot be read or watched; the next call tries again.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>, FileError> {
        let mut state = self.shared.state();
        let change = state.listeners.get_mut(&self.key).and_then(|listener| listener.change.take());
        change.into_iter().for_each(|change| self.reader.touch(change));
        if self.reader.is_stale() {
            self.reader.refresh(&mut state.watches, self.key)?;
        }
        drop(state);
        self.reader.next_chunk()
    }

    /// The place behind what was given out.
    pub fn cursor(&self) -> Cursor {
        self.reader.cursor()
    }

    /// When to look although nothing happens.
    pub fn deadline(&self) -> Option<Instant> {
        self.reader.deadline()
    }

    /// Closes its files until there is more to read.
    pub fn park(&mut self) {
        self.reader.park();
    }
}

impl Drop for LiveReader {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.listeners.remove(&self.key);
        state.watches.remove(self.key);
    }
}
