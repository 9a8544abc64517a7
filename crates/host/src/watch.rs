//! Noticing at once that files changed, by inotify(7). Nothing here looks periodically.

use crate::files::Hint;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// What is reported of the file. Not each single write (IN_MODIFY), and not its creation (IN_CREATE):
/// both show a file that its writer has not finished. The close that ends the writing is reported.
const OF_THE_FILE: WatchFlags = WatchFlags::CLOSE_WRITE
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::ATTRIB);
/// What may bring a missing folder back, seen from a folder above it.
const OF_AN_ANCESTOR: WatchFlags = WatchFlags::CREATE.union(WatchFlags::MOVED_TO);
/// What happens to a watched folder itself.
const OF_THE_FOLDER: WatchFlags =
    WatchFlags::DELETE_SELF.union(WatchFlags::MOVE_SELF).union(WatchFlags::ONLYDIR);
const FOLDER_IS_LOST: ReadFlags =
    ReadFlags::DELETE_SELF.union(ReadFlags::MOVE_SELF).union(ReadFlags::UNMOUNT).union(ReadFlags::IGNORED);

/// Files that can't be watched. The caller has to look by itself now and then.
#[derive(Debug, thiserror::Error)]
#[error("changes in {} are not noticed at once: cannot {operation}: {reason}{}", path.display(), self.hint())]
pub struct WatchError {
    path: PathBuf,
    operation: &'static str,
    reason: io::Error,
}

impl WatchError {
    fn new(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |reason| Self { path: path.to_owned(), operation, reason }
    }

    /// The limits of inotify are reported with errors that mean something else everywhere else.
    fn hint(&self) -> String {
        match Errno::from_io_error(&self.reason) {
            Some(Errno::MFILE) => {
                format!("{}, or fs.inotify.max_user_instances with sysctl", Hint(&self.reason))
            }
            Some(Errno::NOSPC) => "; raise fs.inotify.max_user_watches with sysctl".to_owned(),
            _ => Hint(&self.reason).to_string(),
        }
    }
}

/// What is called when a file may have changed.
pub type OnChange = Box<dyn Fn() + Send>;

/// Watches a file, or some in one folder, until it is dropped.
pub struct FileWatch {
    stop: Arc<OwnedFd>,
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
        let stop = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map(Arc::new);
        let stop = stop.map_err(|errno| WatchError::new("make an eventfd", folder)(errno.into()))?;
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
        if let Err(reason) = rustix::io::write(&self.stop, &1_u64.to_ne_bytes()) {
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
        let events = FolderEvents::new().map_err(WatchError::new("use inotify", &folder))?;
        let files = files.into_iter().map(|(name, on_change)| Watched { name, on_change, changed: false });
        let mut watcher = Self { folder, files: files.collect(), events, position: None };
        watcher.establish()?;
        Ok(watcher)
    }

    fn run(mut self, stop: &OwnedFd) {
        loop {
            let mut watched = [PollFd::new(stop, PollFlags::IN), PollFd::new(&self.events, PollFlags::IN)];
            match poll(&mut watched, None) {
                Ok(_) if !watched[0].revents().is_empty() => return,
                Ok(_) => {}
                Err(Errno::INTR) => continue,
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
        self.events.drain(|event| {
            let Some(at) = position.filter(|at| at.watch == event.wd()) else {
                any |= event.events().contains(ReadFlags::QUEUE_OVERFLOW);
                return;
            };
            if event.events().intersects(FOLDER_IS_LOST) || at.levels_up > 0 {
                lost = true;
            } else if let Some(name) = event.file_name().map(|name| name.to_bytes()) {
                files.iter_mut().for_each(|file| file.changed |= file.name.as_bytes() == name);
            }
        });
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
            let flags = if levels_up == 0 { OF_THE_FILE } else { OF_AN_ANCESTOR };
            match self.events.watch(folder, flags | OF_THE_FOLDER) {
                Ok(watch) => return Ok(Position { watch, levels_up }),
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                Err(errno) => return Err(WatchError::new("watch it", &self.folder)(errno.into())),
            }
        }
        Err(WatchError::new("watch it", &self.folder)(Errno::NOENT.into()))
    }
}

/// An inotify instance that watches folders. Its descriptor becomes readable when something happened.
pub(crate) struct FolderEvents(OwnedFd);

impl FolderEvents {
    pub fn new() -> io::Result<Self> {
        Ok(Self(inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?))
    }

    /// Watches `folder` too; the same folder gets the same number.
    pub fn watch(&self, folder: &Path, events: WatchFlags) -> rustix::io::Result<i32> {
        inotify::add_watch(&self.0, folder, events)
    }

    fn forget(&self, watch: i32) {
        // Fails when the kernel has forgotten it already, because the folder is gone.
        let _ = inotify::remove_watch(&self.0, watch);
    }

    /// Shows `each` event that has happened, without waiting.
    pub fn drain(&self, mut each: impl FnMut(&inotify::Event<'_>)) {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.0, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => each(&event),
                Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) => return,
                Err(reason) => {
                    tracing::error!(%reason, "cannot read file notifications");
                    return;
                }
            }
        }
    }
}

impl AsFd for FolderEvents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
