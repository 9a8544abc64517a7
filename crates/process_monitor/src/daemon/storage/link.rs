//! How the thread that keeps the registry is told what changed.

use super::ConfigureError;
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::{Problem, ProcessEntry};
use process_monitor_core::registry::Registry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use tokio::sync::oneshot;

/// A change of the monitor's own settings. It must leave the processes alone; and everything, when it fails.
pub type Change = Box<dyn FnOnce(&mut Registry) -> Result<(), Vec<Problem>> + Send>;

/// Who waits for settings to be on disk.
pub type Configured = oneshot::Sender<Result<(), ConfigureError>>;

pub(super) enum Request {
    /// Changes have begun to wait; nobody waits for them.
    ChangesWait,
    /// Somebody waits for one of the changes that wait.
    Save,
    /// Whoever waits for anything waits for the next write; no more changes are on their way that could go with it.
    Hurry,
    FileChanged,
    Configure {
        change: Change,
        saved: Configured,
    },
    Flush(mpsc::Sender<Result<(), String>>),
}

/// A change of an entry.
pub(super) enum EntryChange {
    /// Of nothing but its state; nobody waits for it.
    State(Arc<ProcessEntry>),
    /// Somebody waits for this generation.
    Put(Arc<ProcessEntry>, u64),
    Forget(ProcessId, u64),
}

/// Changes in their order. They wait here for the thread, so that not each of them wakes it.
#[derive(Clone, Default)]
pub(super) struct Changes(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    changes: Vec<EntryChange>,
    /// Whether the thread was told, since the last write began, that somebody waits for the next one.
    urgent: bool,
}

impl Changes {
    /// Adds one, and says what the thread is to be told, if it does not know.
    fn push(&self, change: EntryChange) -> Option<Request> {
        let mut waiting = self.lock();
        let is_urgent = !matches!(change, EntryChange::State(_));
        waiting.changes.push(change);
        if is_urgent {
            return (!std::mem::replace(&mut waiting.urgent, true)).then_some(Request::Save);
        }
        (waiting.changes.len() == 1 && !waiting.urgent).then_some(Request::ChangesWait)
    }

    /// All that wait; none do then.
    pub(super) fn take(&self) -> Vec<EntryChange> {
        std::mem::take(&mut self.lock().changes)
    }

    /// All that wait, to be written now: who comes later waits for another write.
    pub(super) fn take_to_write(&self) -> Vec<EntryChange> {
        std::mem::take(&mut *self.lock()).changes
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().changes.is_empty()
    }

    /// Nothing that is done under the lock can leave it half done.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For the supervising thread and the file's watcher.
#[derive(Clone)]
pub struct StorageLink {
    requests: mpsc::Sender<Request>,
    changes: Changes,
}

impl StorageLink {
    /// To the thread that takes `requests` and `changes`.
    pub(super) fn new(requests: mpsc::Sender<Request>, changes: Changes) -> Self {
        Self { requests, changes }
    }

    /// Saves `entry`; with a `generation`, at once, and [`Message::Saved`](crate::daemon::inbox::Message::Saved) tells when.
    pub fn put(&self, entry: Arc<ProcessEntry>, generation: Option<u64>) {
        match generation {
            Some(generation) => self.change(EntryChange::Put(entry, generation)),
            None => self.change(EntryChange::State(entry)),
        }
    }

    /// Removes an entry at once.
    pub fn forget(&self, id: ProcessId, generation: u64) {
        self.change(EntryChange::Forget(id, generation));
    }

    /// Has what waits written at once, because nothing more comes that could be written with it.
    pub fn hurry(&self) {
        self.send(Request::Hurry);
    }

    /// Says that the file may have changed.
    pub fn file_changed(&self) {
        self.send(Request::FileChanged);
    }

    /// Changes the monitor's settings; `saved` is told when that is on disk. What is in the file wins over what an earlier
    /// snapshot said, so `change` should set only what it is about.
    pub fn configure(&self, change: Change, saved: Configured) {
        self.send(Request::Configure { change, saved });
    }

    /// Writes what is not written yet, and waits for it.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub fn flush(&self) -> Result<(), String> {
        let (done, wait) = mpsc::channel();
        self.send(Request::Flush(done));
        wait.recv().unwrap_or_else(|_| Err("the thread that keeps the registry has ended".to_owned()))
    }

    fn change(&self, change: EntryChange) {
        if let Some(request) = self.changes.push(change) {
            self.send(request);
        }
    }

    fn send(&self, request: Request) {
        if self.requests.send(request).is_err() {
            tracing::error!("the thread that keeps the registry has ended; changes are not saved any more");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use process_monitor_core::model::ProcessEntry;

    fn entry(id: &str) -> Arc<ProcessEntry> {
        Arc::new(ProcessEntry::new(ProcessId::new(id).unwrap(), "true"))
    }

    fn told(change: &EntryChange) -> String {
        match change {
            EntryChange::State(entry) => format!("state {}", entry.id),
            EntryChange::Put(entry, generation) => format!("put {} {generation}", entry.id),
            EntryChange::Forget(id, generation) => format!("forget {id} {generation}"),
        }
    }

    #[test]
    fn changes_keep_their_order_and_wake_the_thread_only_when_they_must() {
        let (sender, requests) = mpsc::channel();
        let changes = Changes::default();
        let link = StorageLink::new(sender, changes.clone());
        let woken =
            || requests.try_iter().map(|request| matches!(request, Request::Save)).collect::<Vec<_>>();
        link.put(entry("a"), None);
        link.put(entry("b"), None);
        assert_eq!(
            woken(),
            [false],
            "the first has the thread begin to collect, the second does not wake it"
        );
        link.put(entry("a"), Some(1));
        link.put(entry("a"), None);
        link.forget(ProcessId::new("b").unwrap(), 2);
        assert_eq!(woken(), [true], "somebody waits for these, of which it is told once");
        let waited: Vec<String> = changes.take().iter().map(told).collect();
        assert_eq!(waited, ["state a", "state b", "put a 1", "state a", "forget b 2"]);
        link.put(entry("c"), None);
        link.put(entry("c"), Some(3));
        assert!(woken().is_empty(), "it is about to write anyway");
        assert_eq!(changes.take_to_write().len(), 2);
        link.put(entry("c"), None);
        link.put(entry("c"), Some(4));
        assert_eq!(woken(), [false, true], "it may have written before these");
    }
}
