//! Keeps the registry's file and memory in step, on a thread of its own.
//!
//! Changes are collected and written together: those that somebody waits for at once, mere changes
//! of state a moment later. What others wrote meanwhile is merged, and told to the supervising thread. By [`link`] it is told what changed.

mod link;

pub use link::{Change, Configured, StorageLink};

use super::inbox::{Inbox, Message};
use super::registry_file::read;
use super::settings::Settings;
use link::{Changes, EntryChange, Request};
use process_monitor_core::model::{Problem, ProcessEntry};
use process_monitor_core::registry::{Edit, Registry, merge};
use process_monitor_host::clock;
use process_monitor_host::files::{self, Durability, Stamp};
use process_monitor_host::layout::Layout;
use process_monitor_host::lock::{LockError, REGISTRY_LOCK_WAIT, RegistryLock};
use process_monitor_host::memory;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// How long changes of state are collected before they are written. A write of a large registry
/// takes longer than this, so the wait grows with what the last write took ([`Storage::patience`]).
const COLLECT: Duration = Duration::from_millis(100);

/// So many changes in one write are a crowd: more will come, such as when everything is stopped.
const CROWD: u32 = 8;

/// How much longer than a write takes the next one waits in a crowd.
const CROWD_PAUSE: u32 = 4;

/// How many edits without the lock are merged, one after the other, before a write gives up for now.
const EDITS_BEFORE_OURS: usize = 20;

/// How soon a write that failed is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// Why the registry is not usable. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Reading or writing failed.
    #[error(transparent)]
    File(#[from] files::FileError),
    /// Its content is not a registry.
    #[error("cannot read the registry {path}: {why}; correct the file, it was left as it is", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Path, line and reason.
        why: process_monitor_core::registry::ParseError,
    },
    /// What is in memory cannot be written as JSON.
    #[error("cannot write the registry as JSON: {0}; this is a bug, please report it")]
    Json(serde_json::Error),
    /// Somebody edits it all the time, without its lock.
    #[error("{path} is changed by somebody all the time, without its lock; find out who, and stop that", path = .0.display())]
    Restless(PathBuf),
    /// Somebody else holds its lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The thread could not be started, or has ended.
    #[error("cannot run the thread that keeps the registry: {0}")]
    Thread(io::Error),
}

/// Why settings were not changed, or only here.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConfigureError {
    /// They cannot be obeyed.
    #[error("{} values are wrong", .0.len())]
    Invalid(Vec<Problem>),
    /// They are in effect, but the registry could not be written.
    #[error("{0}")]
    NotSaved(String),
}

/// The state of the thread.
pub struct Storage {
    layout: Layout,
    changes: Changes,
    /// What we last read or wrote.
    base: Registry,
    /// What is true now.
    ours: Registry,
    stamp: Option<Stamp>,
    dirty: Option<Instant>,
    generation: u64,
    /// Why the registry could not be saved or read of late.
    failing: Option<String>,
    took: Duration,
    /// For how many changes somebody waits since the last write, and how many there were in that.
    awaited: u32,
    awaited_before: u32,
    /// When the last write ended.
    wrote: Instant,
    /// Whether something was saved since memory was given back.
    has_worked: bool,
    settings: Settings,
    /// Who waits for the settings to be on disk.
    configured: Vec<Configured>,
}

impl Storage {
    /// Reads the registry of `layout`, or begins an empty one where there is no file.
    ///
    /// # Errors
    /// When it cannot be read or is not a registry; the file is left as it is.
    pub fn open(layout: Layout) -> Result<Self, StorageError> {
        let (registry, stamp) = match read(&layout)? {
            Some((registry, stamp)) => (registry, Some(stamp)),
            None => (Registry::new(layout.instance().clone()), None),
        };
        Ok(Self {
            layout,
            changes: Changes::default(),
            base: registry.clone(),
            settings: Settings::new(&registry),
            configured: Vec::new(),
            ours: registry,
            stamp,
            dirty: None,
            generation: 0,
            failing: None,
            took: Duration::ZERO,
            awaited: 0,
            awaited_before: 0,
            wrote: Instant::now(),
            has_worked: false,
        })
    }

    /// The registry as it was read.
    pub fn registry(&self) -> &Registry {
        &self.ours
    }

    /// Its settings, kept up to date from now on.
    pub fn settings(&self) -> Settings {
        self.settings.clone()
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(self, inbox: Inbox) -> Result<StorageLink, StorageError> {
        let (sender, requests) = mpsc::channel();
        let link = StorageLink::new(sender, self.changes.clone());
        let run = move || self.run(&requests, &inbox);
        thread::Builder::new().name("registry".into()).spawn(run).map_err(StorageError::Thread)?;
        Ok(link)
    }

    fn run(mut self, requests: &mpsc::Receiver<Request>, inbox: &Inbox) {
        loop {
            let sweep = Duration::from_millis(self.ours.monitor_interval_ms);
            let wait = self.dirty.map_or(sweep, |due| due.saturating_duration_since(Instant::now()));
            let next = requests.recv_timeout(wait.min(sweep));
            let mut waiting = Vec::new();
            match next {
                Ok(first) => {
                    self.take(first, &mut waiting, inbox);
                    while let Ok(more) = requests.try_recv() {
                        self.take(more, &mut waiting, inbox);
                    }
                }
                // The sweep: should a notification have been missed, a look at the file's stamp tells.
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    self.take_changes();
                    self.look(inbox);
                    self.rest();
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
            if self.dirty.is_some_and(|due| due <= Instant::now()) {
                self.save_and_tell(inbox);
            }
            for done in waiting {
                // Who asked may have given up waiting.
                let _gone = done.send(self.failing.clone().map_or(Ok(()), Err));
            }
        }
    }

    /// Takes over the changes that wait.
    fn take_changes(&mut self) {
        let changes = self.changes.take();
        self.take_over(changes);
    }

    fn take_over(&mut self, changes: Vec<EntryChange>) {
        for change in changes {
            match change {
                EntryChange::State(entry) => {
                    // It must not undo an edit that is still on its way to us.
                    let entry = match self.ours.processes.get(&entry.id) {
                        Some(known) if !entry.same_configuration(known) => {
                            Arc::new(ProcessEntry::clone(known).with_runtime_of(&entry))
                        }
                        // Shared with what readers see: the entries are most of what a process takes.
                        _ => entry,
                    };
                    self.ours.processes.insert(entry.id.clone(), entry);
                    self.dirty = self.dirty.or(Some(Instant::now() + self.patience()));
                }
                EntryChange::Put(entry, generation) => {
                    self.ours.processes.insert(entry.id.clone(), entry);
                    self.touch(generation);
                }
                EntryChange::Forget(id, generation) => {
                    self.ours.processes.shift_remove(&id);
                    self.touch(generation);
                }
            }
        }
    }

    fn take(&mut self, request: Request, waiting: &mut Vec<mpsc::Sender<Result<(), String>>>, inbox: &Inbox) {
        if matches!(request, Request::ChangesWait) {
            // Others may follow, which shall find some waiting and so not wake this thread.
            let has_some = !self.changes.is_empty();
            self.dirty = self.dirty.or(has_some.then(|| Instant::now() + self.patience()));
            return;
        }
        // They were told before this.
        self.take_changes();
        match request {
            Request::ChangesWait | Request::Save => {}
            Request::Hurry if self.awaited > 0 => self.dirty = Some(self.wrote + self.took),
            Request::Hurry => {}
            Request::FileChanged => self.look(inbox),
            Request::Configure { change, saved } => {
                // What the file says now is what is to be changed.
                self.look(inbox);
                self.configure(change, saved);
            }
            Request::Flush(done) => {
                if self.dirty.is_some() {
                    self.dirty = Some(Instant::now());
                }
                waiting.push(done);
            }
        }
    }

    fn configure(&mut self, change: Change, saved: Configured) {
        if let Err(problems) = change(&mut self.ours) {
            // Who asked may have given up waiting.
            let _gone = saved.send(Err(ConfigureError::Invalid(problems)));
            return;
        }
        self.settings.publish(&self.ours);
        self.configured.push(saved);
        self.dirty = Some(Instant::now());
    }

    /// Somebody waits for `generation` to be on disk.
    fn touch(&mut self, generation: u64) {
        self.generation = generation;
        self.awaited = self.awaited.saturating_add(1);
        // At once; but of many in a row, those that come while one is written and as long again go together.
        let pauses = if self.awaited_before < CROWD { 1 } else { CROWD_PAUSE };
        let due = Instant::now().max(self.wrote + self.took * pauses);
        self.dirty = Some(self.dirty.map_or(due, |sooner| sooner.min(due)));
    }

    fn patience(&self) -> Duration {
        COLLECT.max(self.took * 10)
    }

    fn save_and_tell(&mut self, inbox: &Inbox) {
        let changes = self.changes.take_to_write();
        self.take_over(changes);
        let begun = Instant::now();
        let result = self.save(inbox);
        self.wrote = Instant::now();
        self.took = self.wrote.duration_since(begun);
        self.awaited_before = std::mem::take(&mut self.awaited);
        self.has_worked = true;
        match &result {
            Ok(()) => {
                self.dirty = None;
                self.failing = None;
            }
            Err(error) => {
                if self.failing.is_none() {
                    tracing::error!(%error, "cannot save the registry; supervision goes on with what is in memory");
                }
                self.failing = Some(error.to_string());
                self.dirty = Some(Instant::now() + RETRY);
            }
        }
        let result = result.map_err(|error| error.to_string());
        for saved in self.configured.drain(..) {
            // Who asked may have given up waiting.
            let _gone = saved.send(result.clone().map_err(ConfigureError::NotSaved));
        }
        inbox.send(Message::Saved(self.generation, result));
    }

    /// One read-modify-write under the lock.
    fn save(&mut self, inbox: &Inbox) -> Result<(), StorageError> {
        let _lock = RegistryLock::acquire(&self.layout, "save", REGISTRY_LOCK_WAIT)?;
        let path = self.layout.registry();
        for _ in 0..EDITS_BEFORE_OURS {
            self.merge_what_others_wrote(inbox)?;
            self.ours.last_modified = Some(clock::wall());
            let json = self.ours.to_json().map_err(StorageError::Json)?;
            let known = |seen: Option<&Stamp>| seen.copied() == self.stamp;
            if let Some(written) = files::replace_if(&path, &json, Durability::Synced, known)? {
                self.stamp = Some(written);
                self.base = self.ours.clone();
                return Ok(());
            }
        }
        Err(StorageError::Restless(path))
    }

    /// Starts, crashes and commands leave much memory free, here and in other threads; nothing happens now.
    fn rest(&mut self) {
        if self.dirty.is_none() && std::mem::take(&mut self.has_worked) {
            memory::give_back();
        }
    }

    /// Somebody says that the file changed.
    fn look(&mut self, inbox: &Inbox) {
        match self.merge_what_others_wrote(inbox) {
            Ok(()) if self.failing.is_some() => self.dirty = Some(Instant::now()),
            Ok(()) => {}
            Err(error) => {
                if self.failing.is_none() {
                    tracing::error!(%error, "the registry was changed and cannot be read; supervision goes on with what is in memory, and the file is left alone");
                }
                self.failing = Some(error.to_string());
                self.dirty = self.dirty.or(Some(Instant::now() + RETRY));
            }
        }
    }

    fn merge_what_others_wrote(&mut self, inbox: &Inbox) -> Result<(), StorageError> {
        let path = self.layout.registry();
        if self.stamp.is_some() && Stamp::at(&path).ok() == self.stamp {
            return Ok(());
        }
        let Some((theirs, stamp)) = read(&self.layout)? else {
            if self.stamp.take().is_some() {
                tracing::warn!(path = %path.display(), "the registry's file was removed; it is written again from memory");
                self.dirty = self.dirty.or(Some(Instant::now()));
            }
            return Ok(());
        };
        let merged = merge(&self.base, &self.ours, &theirs);
        self.ours = merged.merged;
        self.base = theirs;
        self.stamp = Some(stamp);
        if merged.edits.contains(&Edit::Settings) {
            self.settings.publish(&self.ours);
        }
        if !merged.edits.is_empty() {
            inbox.send(Message::Edited(merged.edits));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use process_monitor_core::id::{InstanceId, ProcessId};
    use process_monitor_host::reactor::Reactor;

    #[test]
    fn of_a_crowd_the_last_is_not_kept_waiting_for_more() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path(), InstanceId::default());
        let mut storage = Storage::open(layout).unwrap();
        let (inbox, _messages) = Inbox::new(Reactor::new().unwrap().waker());
        storage.took = Duration::from_secs(100);
        storage.awaited_before = CROWD;
        let wait = |storage: &Storage| storage.dirty.map(|due| due.saturating_duration_since(storage.wrote));
        let entry = Arc::new(ProcessEntry::new(ProcessId::new("a").unwrap(), "true"));
        storage.take(Request::Hurry, &mut Vec::new(), &inbox);
        assert_eq!(wait(&storage), None, "nobody waits for anything");
        StorageLink::new(mpsc::channel().0, storage.changes.clone()).put(entry, Some(1));
        storage.take(Request::Save, &mut Vec::new(), &inbox);
        assert_eq!(wait(&storage), Some(storage.took * CROWD_PAUSE));
        storage.take(Request::Hurry, &mut Vec::new(), &inbox);
        assert_eq!(wait(&storage), Some(storage.took), "half of the time is left to others all the same");
    }
}
