//! Noticing at once that files changed. Nothing here looks periodically.

use crate::fd::AsFd;
use crate::sys::folders::{self, FolderEvents};
use crate::sys::terms::{FolderInterest, What};
use crate::sys::wait;
use crate::sys::wakeup::Wakeup;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// What is reported of the file. Not each single write, and not its creation: both show a file that its writer has not
/// finished. (Systems that do not tell when a file was closed report each write.)
const OF_THE_FILE: FolderInterest =
    FolderInterest { comes: false, goes: true, writes: false, finishes: true };
/// What may bring a missing folder back, seen from a folder above it.
const OF_AN_ANCESTOR: FolderInterest =
    FolderInterest { comes: true, goes: false, writes: false, finishes: false };

/// Files that can't be watched. The caller has to look by itself now and then.
#[derive(Debug, thiserror::Error)]
#[error("changes in {} are not noticed at once: cannot {operation}: {reason}{}", path.display(), folders::hint(reason))]
pub struct WatchError {
    path: PathBuf,
    operation: &'static str,
    reason: io::Error,
}

impl WatchError {
    fn new(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |reason| Self { path: path.to_owned(), operation, reason }
    }
}

/// What is called when a file may have changed.
pub type OnChange = Box<dyn Fn() + Send>;

/// Watches a file, or some in one folder, until it is dropped.
pub struct FileWatch {
    stop: Arc<Wakeup>,
    thread: Option<JoinHandle<()>>,
}

impl FileWatch {
    /// Calls `on_change`, on a thread of the watch's own, whenever the file at `path` has been written
    /// and closed, replaced by a rename, removed, created, or given another mode; several changes may be
    /// one call. It is called without need now and then, so it should look whether the content changed.
    ///
    /// The file and its folder may be missing, now or later: the watch waits for them to (re)appear,
    /// also when folders above are missing. Changes after the return of `new` are noticed. Not noticed:
    /// what a program writes into a mapping, or without ever closing the file; and the renaming of a folder
    /// above the file's own. For these the caller keeps a slow sweep.
    pub fn new(path: &Path, on_change: impl Fn() + Send + 'static) -> Result<Self, WatchError> {
        let absolute = std::path::absolute(path).map_err(WatchError::new("resolve the path", path))?;
        let (folder, name) = (absolute.parent().unwrap_or(Path::new("/")), absolute.file_name());
        Self::in_folder(folder, vec![(name.unwrap_or_default().to_owned(), Box::new(on_change))])
    }

    /// Watches several files of one folder, each as [`FileWatch::new`] does, with one thread and the descriptors of one
    /// watch.
    ///
    /// # Errors
    /// As [`FileWatch::new`].
    pub fn in_folder(folder: &Path, files: Vec<(OsString, OnChange)>) -> Result<Self, WatchError> {
        let watcher = Watcher::new(folder, files)?;
        let stop = Wakeup::new().map(Arc::new).map_err(WatchError::new("make a wake-up", folder))?;
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("file-watch".to_owned())
            .spawn(move || watcher.run(&stopped))
            .map_err(WatchError::new("start a thread", folder))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl fmt::Debug for FileWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileWatch").finish_non_exhaustive()
    }
}

/// Ends the thread, after a call that it may be in.
impl Drop for FileWatch {
    fn drop(&mut self) {
        if let Err(reason) = self.stop.wake() {
            tracing::error!(%reason, "cannot end a file watch");
            return;
        }
        let Some(thread) = self.thread.take() else { return };
        let dropped_by_its_own_callback = thread.thread().id() == thread::current().id();
        if !dropped_by_its_own_callback && thread.join().is_err() {
            tracing::error!("a file watch had panicked");
        }
    }
}

/// The folder that is watched at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    watch: i32,
    /// 0 is the files' folder, 1 its parent, …
    levels_up: usize,
}

struct Watcher {
    folder: PathBuf,
    files: Vec<Watched>,
    events: FolderEvents,
    position: Option<Position>,
}

struct Watched {
    name: OsString,
    on_change: OnChange,
    /// Since the last call.
    changed: bool,
}

impl Watcher {
    fn new(folder: &Path, files: Vec<(OsString, OnChange)>) -> Result<Self, WatchError> {
        let folder = std::path::absolute(folder).map_err(WatchError::new("resolve the path", folder))?;
        let events = FolderEvents::new().map_err(WatchError::new("watch folders", &folder))?;
        let files = files.into_iter().map(|(name, on_change)| Watched { name, on_change, changed: false });
        let mut watcher = Self { folder, files: files.collect(), events, position: None };
        watcher.establish()?;
        Ok(watcher)
    }

    fn run(mut self, stop: &Wakeup) {
        loop {
            match wait::any(&[stop.as_fd(), self.events.as_fd()], None).as_deref() {
                Ok([true, _]) => return,
                Ok(_) => {}
                Err(reason) => {
                    tracing::error!(folder = %self.folder.display(), %reason, "stopped watching");
                    return;
                }
            }
            self.take_events();
            for file in self.files.iter_mut().filter(|file| file.changed) {
                file.changed = false;
                (file.on_change)();
            }
        }
    }

    /// Notes which files what happened may concern.
    fn take_events(&mut self) {
        let (mut any, mut lost) = (false, false);
        let (position, files) = (self.position, &mut self.files);
        let read = self.events.drain(|event| {
            let at = position.filter(|at| event.watch == Some(at.watch));
            match (event.what, at) {
                (What::Anything, None) => any = true,
                (_, None) => {}
                (What::Lost | What::Forgotten, Some(_)) => lost = true,
                (_, Some(at)) if at.levels_up > 0 => lost = true,
                // Watched anew, because the files themselves may be others.
                (What::Anything, Some(_)) => lost = true,
                _ => files.iter_mut().for_each(|file| file.changed |= event.name == Some(&file.name)),
            }
        });
        if let Err(reason) = read {
            tracing::error!(%reason, "cannot read file notifications");
        }
        if lost && let Err(error) = self.establish() {
            tracing::warn!(%error, "a watch was lost");
        }
        self.files.iter_mut().for_each(|file| file.changed |= any || lost);
    }

    /// Watches the file's folder or, while that is missing, the nearest one above that exists.
    fn establish(&mut self) -> Result<(), WatchError> {
        if let Some(old) = self.position.take() {
            self.events.forget(old.watch);
        }
        loop {
            let found = self.watch_nearest()?;
            // Only when a second look finds nothing nearer can nothing have appeared before we watched.
            if found.levels_up == 0 || self.position == Some(found) {
                self.position = Some(found);
                return Ok(());
            }
            self.position = Some(found);
        }
    }

    fn watch_nearest(&self) -> Result<Position, WatchError> {
        for (levels_up, folder) in self.folder.ancestors().enumerate() {
            let interest = if levels_up == 0 { OF_THE_FILE } else { OF_AN_ANCESTOR };
            match self.events.watch(folder, interest) {
                Ok(watch) => return Ok(Position { watch, levels_up }),
                Err(reason) if is_missing(&reason) => {}
                Err(reason) => return Err(WatchError::new("watch it", &self.folder)(reason)),
            }
        }
        Err(WatchError::new("watch it", &self.folder)(ErrorKind::NotFound.into()))
    }
}

fn is_missing(reason: &io::Error) -> bool {
    matches!(reason.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
