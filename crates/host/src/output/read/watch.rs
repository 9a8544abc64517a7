//! Notifications about folders, for many processes over one inotify descriptor (inotify(7)).

use crate::files::FileError;
use crate::output::error::failed;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use std::collections::{BTreeSet, HashMap};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What comes to a folder and goes from it.
const ENTRIES: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF);

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
    fn of(events: ReadFlags) -> Self {
        if events == ReadFlags::MODIFY { Self::Content } else { Self::Entries }
    }
}

/// Makes a wait of another thread end.
#[derive(Debug, Clone)]
pub struct FollowerWaker(Arc<OwnedFd>);

impl FollowerWaker {
    /// Makes the present or next wait end.
    pub fn wake(&self) {
        if let Err(error) = rustix::io::write(&self.0, &1_u64.to_ne_bytes())
            && error != Errno::AGAIN
        {
            tracing::error!(%error, "cannot wake a thread that follows output");
        }
    }
}

/// Rings when something changes, or when it is woken.
pub(super) struct Bell {
    inotify: Arc<OwnedFd>,
    woken: Arc<OwnedFd>,
}

impl Bell {
    /// Waits at most `timeout` (`None`: for good), and says whether it was woken.
    pub(super) fn wait(&self, timeout: Option<Duration>) -> Result<bool, FileError> {
        let mut fds = [PollFd::new(&*self.inotify, PollFlags::IN), PollFd::new(&*self.woken, PollFlags::IN)];
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(failed("wait for changes in", Path::new("/"))(error)),
        }
        // Reading takes the call back, so that the next wait waits.
        let mut count = [0; 8];
        Ok(rustix::io::read(&*self.woken, &mut count).is_ok())
    }
}

/// Which folder is watched for whom.
pub(super) struct Watches {
    inotify: Arc<OwnedFd>,
    woken: Arc<OwnedFd>,
    keys: HashMap<i32, BTreeSet<usize>>,
}

impl Watches {
    pub(super) fn new() -> Result<Self, FileError> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
            .map_err(failed("watch (limit: fs.inotify.max_user_instances)", Path::new("/")))?;
        let woken = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(failed("watch (an eventfd for)", Path::new("/")))?;
        Ok(Self { inotify: Arc::new(inotify), woken: Arc::new(woken), keys: HashMap::new() })
    }

    pub(super) fn waker(&self) -> FollowerWaker {
        FollowerWaker(Arc::clone(&self.woken))
    }

    /// Reports nothing any more as `key`.
    pub(super) fn remove(&mut self, key: usize) {
        let inotify = &*self.inotify;
        self.keys.retain(|watch, keys| {
            keys.remove(&key);
            // It may have gone with its folder.
            let _gone = keys.is_empty().then(|| inotify::remove_watch(inotify, *watch));
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
        self.add(folder, ENTRIES | WatchFlags::MODIFY, key).map(drop)
    }

    /// False when `folder` isn't there.
    fn add(&mut self, folder: &Path, events: WatchFlags, key: usize) -> Result<bool, FileError> {
        match inotify::add_watch(&*self.inotify, folder, events | WatchFlags::ONLYDIR) {
            Ok(watch) => {
                self.keys.entry(watch).or_default().insert(key);
                Ok(true)
            }
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
            Err(error) => Err(failed("watch (limit: fs.inotify.max_user_watches)", folder)(error)),
        }
    }

    /// To wait for changes, also while somebody else adds watches.
    pub(super) fn bell(&self) -> Bell {
        Bell { inotify: Arc::clone(&self.inotify), woken: Arc::clone(&self.woken) }
    }

    /// What has changed since the last call.
    pub(super) fn changes(&mut self) -> Result<Changes, FileError> {
        let mut changes = Changes::default();
        let mut buffer = [MaybeUninit::uninit(); 16 << 10];
        let mut events = inotify::Reader::new(&*self.inotify, &mut buffer);
        loop {
            match events.next() {
                Ok(event) if event.events().contains(ReadFlags::QUEUE_OVERFLOW) => changes.everything = true,
                Ok(event) => {
                    let change = Change::of(event.events());
                    for key in self.keys.get(&event.wd()).into_iter().flatten() {
                        let known = changes.keys.entry(*key).or_insert(change);
                        *known = change.max(*known);
                    }
                    if event.events().contains(ReadFlags::IGNORED) {
                        self.keys.remove(&event.wd());
                    }
                }
                Err(Errno::AGAIN) => return Ok(changes),
                Err(Errno::INTR) => {}
                Err(error) => return Err(failed("read changes of", Path::new("/"))(error)),
            }
        }
    }
}

impl AsFd for Watches {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}
