//! What comes to, goes from, or changes in a folder: inotify(7).

use crate::files::Hint;
use crate::sys::terms::{FolderEvent, FolderInterest, What};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What to do when watching failed. The limits of watching are reported with errors that mean something else everywhere
/// else (inotify_init(2), inotify_add_watch(2)).
pub fn hint(error: &io::Error) -> String {
    match Errno::from_io_error(error) {
        Some(Errno::MFILE) => {
            format!("{}, or fs.inotify.max_user_instances with sysctl", Hint(error))
        }
        Some(Errno::NOSPC) => "; raise fs.inotify.max_user_watches with sysctl".to_owned(),
        _ => Hint(error).to_string(),
    }
}

/// Whether watching failed because no more folders may be watched.
pub fn is_out_of_watches(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::NOSPC)
}

/// Watches folders. Its descriptor becomes readable when something happened.
#[derive(Debug)]
pub struct FolderEvents(OwnedFd);

impl FolderEvents {
    /// Watches nothing yet.
    pub fn new() -> io::Result<Self> {
        Ok(Self(inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?))
    }

    /// Watches `folder` from now on; the same folder gets the same number, and the new interest.
    pub fn watch(&self, folder: &Path, interest: FolderInterest) -> io::Result<i32> {
        Ok(inotify::add_watch(&self.0, folder, flags(interest))?)
    }

    /// Ends a watch.
    pub fn forget(&self, watch: i32) {
        // Fails when the kernel has forgotten it already, because the folder is gone.
        let _ = inotify::remove_watch(&self.0, watch);
    }

    /// Shows `each` event that has happened, without waiting.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn drain(&self, mut each: impl FnMut(&FolderEvent<'_>)) -> io::Result<()> {
        let mut buffer = [MaybeUninit::uninit(); 16 << 10];
        let mut reader = inotify::Reader::new(&self.0, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => each(&translated(&event)),
                Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for FolderEvents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn flags(interest: FolderInterest) -> WatchFlags {
    let of_itself = WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF | WatchFlags::ONLYDIR;
    let wanted = [
        (interest.comes, WatchFlags::CREATE | WatchFlags::MOVED_TO),
        (interest.goes, WatchFlags::DELETE | WatchFlags::MOVED_FROM),
        (interest.writes, WatchFlags::MODIFY),
        (interest.finishes, WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO | WatchFlags::ATTRIB),
    ];
    wanted.iter().filter(|(wanted, _)| *wanted).fold(of_itself, |all, (_, flags)| all | *flags)
}

fn translated<'a>(event: &'a inotify::Event<'_>) -> FolderEvent<'a> {
    let events = event.events();
    let any = |flags: ReadFlags| events.intersects(flags);
    let what = if any(ReadFlags::QUEUE_OVERFLOW) {
        What::Anything
    } else if any(ReadFlags::IGNORED) {
        What::Forgotten
    } else if any(ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::UNMOUNT) {
        What::Lost
    } else if any(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
        What::Came
    } else if any(ReadFlags::DELETE | ReadFlags::MOVED_FROM) {
        What::Went
    } else if any(ReadFlags::MODIFY) {
        What::Written
    } else {
        What::Finished
    };
    let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
    FolderEvent { watch: (what != What::Anything).then(|| event.wd()), name, what }
}
