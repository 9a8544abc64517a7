//! Notifications about folders, for many processes over one descriptor.

use crate::fd::{AsFd, BorrowedFd};
use crate::files::FileError;
use crate::output::error::failed;
use crate::sys::folders::{self, FolderEvents};
use crate::sys::terms::{FolderInterest, What};
use crate::sys::wait;
use crate::sys::wakeup::Wakeup;
use std::collections::{BTreeSet, HashMap};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What comes to a folder and goes from it.
const ENTRIES: FolderInterest = FolderInterest { comes: true, goes: true, writes: false, finishes: false };

/// What happened to the folders of a key; the greater includes the less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    /// A file has new content.
    Content,
    /// Files or folders came, went or were renamed.
    Entries,
}

/// What has happened.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Whose folders changed, and how.
    pub(super) keys: HashMap<usize, Change>,
    /// Notifications were lost: anything may have changed.
    pub(super) everything: bool,
}

impl Change {
    fn of(what: What) -> Self {
        if what == What::Written { Self::Content } else { Self::Entries }
    }
}

/// Makes a wait of another thread end.
#[derive(Debug, Clone)]
pub struct FollowerWaker(Arc<Wakeup>);

impl FollowerWaker {
    /// Makes the present or next wait end.
    pub fn wake(&self) {
        if let Err(error) = self.0.wake() {
            tracing::error!(%error, "cannot wake a thread that follows output");
        }
    }
}

/// Rings when something changes, or when it is woken.
pub(super) struct Bell {
    events: Arc<FolderEvents>,
    woken: Arc<Wakeup>,
}

impl Bell {
    /// Waits at most `timeout` (`None`: for good), and says whether it was woken.
    pub(super) fn wait(&self, timeout: Option<Duration>) -> Result<bool, FileError> {
        wait::any(&[self.events.as_fd(), self.woken.as_fd()], timeout)
            .map_err(failed("wait for changes in", Path::new("/")))?;
        Ok(self.woken.take())
    }
}

/// Which folder is watched for whom.
pub(super) struct Watches {
    events: Arc<FolderEvents>,
    woken: Arc<Wakeup>,
    keys: HashMap<i32, BTreeSet<usize>>,
}

impl Watches {
    pub(super) fn new() -> Result<Self, FileError> {
        let events = FolderEvents::new().map_err(failed("watch folders, below", Path::new("/")))?;
        let woken = Wakeup::new().map_err(failed("wake up who watches", Path::new("/")))?;
        Ok(Self { events: Arc::new(events), woken: Arc::new(woken), keys: HashMap::new() })
    }

    pub(super) fn waker(&self) -> FollowerWaker {
        FollowerWaker(Arc::clone(&self.woken))
    }

    /// Reports nothing any more as `key`.
    pub(super) fn remove(&mut self, key: usize) {
        let events = &*self.events;
        self.keys.retain(|watch, keys| {
            keys.remove(&key);
            // It may have gone with its folder.
            let _gone = keys.is_empty().then(|| events.forget(*watch));
            !keys.is_empty()
        });
    }

    /// Reports as `key` what comes to and goes from `folder`, and from those that hold it, up to `top`.
    /// All of them, because a folder's own end is reported only when no file in it is open any more.
    /// What isn't there yet is reported by the nearest folder above it.
    pub(super) fn add_path(&mut self, folder: &Path, top: &Path, key: usize) -> Result<(), FileError> {
        loop {
            let mut missing = Vec::new();
            for level in folder.ancestors() {
                let there = self.add(level, ENTRIES, key)?;
                if there && top.starts_with(level) {
                    break;
                }
                missing.extend((!there).then_some(level));
            }
            // Unless it has appeared in between.
            if !missing.into_iter().any(Path::is_dir) {
                return Ok(());
            }
        }
    }

    /// Reports as `key` also what is written to the files in `folder`.
    pub(super) fn add_content(&mut self, folder: &Path, key: usize) -> Result<(), FileError> {
        self.add(folder, FolderInterest { writes: true, ..ENTRIES }, key).map(drop)
    }

    /// False when `folder` isn't there.
    fn add(&mut self, folder: &Path, interest: FolderInterest, key: usize) -> Result<bool, FileError> {
        match self.events.watch(folder, interest) {
            Ok(watch) => {
                self.keys.entry(watch).or_default().insert(key);
                Ok(true)
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
            Err(error) if folders::is_out_of_watches(&error) => {
                let reason = format!("no watches are left{}", folders::hint(&error));
                Err(failed("watch", folder)(io::Error::other(reason)))
            }
            Err(error) => Err(failed("watch", folder)(error)),
        }
    }

    /// To wait for changes, also while somebody else adds watches.
    pub(super) fn bell(&self) -> Bell {
        Bell { events: Arc::clone(&self.events), woken: Arc::clone(&self.woken) }
    }

    /// What has changed since the last call.
    pub(super) fn changes(&mut self) -> Result<Changes, FileError> {
        let mut changes = Changes::default();
        let mut forgotten = Vec::new();
        let read = self.events.drain(|event| {
            let Some(watch) = event.watch else {
                changes.everything = true;
                return;
            };
            let change = Change::of(event.what);
            for key in self.keys.get(&watch).into_iter().flatten() {
                let known = changes.keys.entry(*key).or_insert(change);
                *known = change.max(*known);
            }
            forgotten.extend((event.what == What::Forgotten).then_some(watch));
        });
        for watch in forgotten {
            self.keys.remove(&watch);
        }
        read.map(|()| changes).map_err(failed("read changes of", Path::new("/")))
    }
}

impl AsFd for Watches {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.events.as_fd()
    }
}
