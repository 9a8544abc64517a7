//! What comes to, goes from, or changes in a folder: EVFILT_VNODE of kqueue(2). It tells that a folder has changed but not
//! what in it, and of a file only to who has it open.

use super::kqueue::{Event as QueueEvent, Queue, event};
use crate::files::Hint;
use crate::sys::terms::{FolderEvent, FolderInterest, What};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What to do when watching failed: each watched folder and file takes a descriptor.
pub fn hint(error: &io::Error) -> String {
    match Errno::from_io_error(error) {
        Some(Errno::MFILE) => format!("{}, or kern.maxfilesperproc with sysctl", Hint(error)),
        _ => Hint(error).to_string(),
    }
}

/// How many events are read at once.
const BATCH: usize = 64;

/// Whether watching failed because no more folders may be watched.
pub fn is_out_of_watches(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::MFILE)
}

/// Watches folders. Its descriptor becomes readable when something happened.
#[derive(Debug)]
pub struct FolderEvents {
    queue: Queue,
    watches: Mutex<Watches>,
}

#[derive(Debug, Default)]
struct Watches {
    last: i32,
    folders: HashMap<i32, Folder>,
}

/// A folder that is watched, and the files in it that are.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    descriptor: OwnedFd,
    with_files: bool,
    files: HashMap<OsString, OwnedFd>,
}

impl FolderEvents {
    /// Watches nothing yet.
    pub fn new() -> io::Result<Self> {
        Ok(Self { queue: Queue::new()?, watches: Mutex::default() })
    }

    /// Watches `folder` from now on; the same folder gets the same number, and the new interest beside the old.
    pub fn watch(&self, folder: &Path, interest: FolderInterest) -> io::Result<i32> {
        let descriptor = open_to_watch(folder, OFlags::DIRECTORY)?;
        let same = file_id(&descriptor)?;
        let mut watches = self.watches();
        let known = watches.folders.iter().find(|(_, known)| file_id(&known.descriptor) == Ok(same));
        let number = known.map(|(number, _)| *number);
        let number = match number {
            Some(number) => number,
            None => {
                let number = watches.last.wrapping_add(1);
                // A folder is written to by what comes and what goes.
                let entries = interest.comes || interest.goes || interest.writes || interest.finishes;
                self.listen(&descriptor, number, if entries { libc::NOTE_WRITE } else { 0 })?;
                watches.last = number;
                let folder =
                    Folder { path: folder.to_owned(), descriptor, with_files: false, files: HashMap::new() };
                watches.folders.insert(number, folder);
                number
            }
        };
        if let Some(folder) = watches.folders.get_mut(&number) {
            folder.with_files |= interest.writes || interest.finishes;
            self.take_files(folder, number);
        }
        Ok(number)
    }

    /// Ends a watch.
    pub fn forget(&self, watch: i32) {
        // What is closed is not reported any more.
        self.watches().folders.remove(&watch);
    }

    /// Shows `each` event that has happened, without waiting.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn drain(&self, mut each: impl FnMut(&FolderEvent<'_>)) -> io::Result<()> {
        let mut events: [QueueEvent; BATCH] = [event(0, 0, 0, 0); BATCH];
        loop {
            let filled = match self.queue.wait(&mut events, Some(Duration::ZERO)) {
                Ok(filled) => filled,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            for told in events.iter().take(filled) {
                self.translate(told, &mut each);
            }
            if filled < BATCH {
                return Ok(());
            }
        }
    }

    fn translate(&self, told: &QueueEvent, each: &mut impl FnMut(&FolderEvent<'_>)) {
        let Ok(number) = i32::try_from(told.udata.addr()) else { return };
        let mut watches = self.watches();
        // It may have been forgotten meanwhile.
        let Some(folder) = watches.folders.get_mut(&number) else { return };
        if is(&folder.descriptor, told) {
            let lost = told.fflags & (libc::NOTE_DELETE | libc::NOTE_RENAME | libc::NOTE_REVOKE) != 0;
            self.take_files(folder, number);
            let what = if lost { What::Lost } else { What::Anything };
            drop(watches);
            return each(&FolderEvent { watch: Some(number), name: None, what });
        }
        let file = folder.files.iter().find(|(_, descriptor)| is(descriptor, told));
        let Some(name) = file.map(|(name, _)| name.clone()) else { return };
        if told.fflags & (libc::NOTE_DELETE | libc::NOTE_RENAME) != 0 {
            folder.files.remove(&name);
        }
        let written = told.fflags & (libc::NOTE_WRITE | libc::NOTE_EXTEND) != 0;
        drop(watches);
        each(&FolderEvent {
            watch: Some(number),
            name: Some(&name),
            what: if written { What::Written } else { What::Finished },
        });
    }

    /// Watches the files that came, and those that took the place of others.
    fn take_files(&self, folder: &mut Folder, number: i32) {
        if !folder.with_files {
            return;
        }
        let Ok(entries) = fs::read_dir(&folder.path) else { return };
        let mut files = HashMap::new();
        for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())) {
            let Ok(descriptor) = open_to_watch(&entry.path(), OFlags::NOFOLLOW) else { continue };
            let known = folder.files.remove(&entry.file_name());
            match known.filter(|known| file_id(known) == file_id(&descriptor)) {
                Some(known) => drop(files.insert(entry.file_name(), known)),
                None => {
                    let notes = libc::NOTE_WRITE | libc::NOTE_EXTEND | libc::NOTE_ATTRIB;
                    match self.listen(&descriptor, number, notes) {
                        Ok(()) => drop(files.insert(entry.file_name(), descriptor)),
                        Err(error) => tracing::debug!("cannot watch {}: {error}", entry.path().display()),
                    }
                }
            }
        }
        folder.files = files;
    }

    fn listen(&self, descriptor: &OwnedFd, number: i32, notes: u32) -> Result<(), Errno> {
        let notes = notes | libc::NOTE_DELETE | libc::NOTE_RENAME | libc::NOTE_REVOKE;
        let flags = libc::EV_ADD | libc::EV_CLEAR;
        let number = usize::try_from(number).map_err(|_| Errno::OVERFLOW)?;
        let about = descriptor.as_raw_fd().unsigned_abs() as usize;
        let udata = ptr::without_provenance_mut(number);
        self.queue.change(QueueEvent { udata, ..event(about, libc::EVFILT_VNODE, flags, notes) })
    }

    fn watches(&self) -> MutexGuard<'_, Watches> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsFd for FolderEvents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

fn is(descriptor: &OwnedFd, told: &QueueEvent) -> bool {
    told.ident == descriptor.as_raw_fd().unsigned_abs() as usize
}

/// Opened so, a file does not keep its volume from being unmounted.
fn open_to_watch(path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let only_events = OFlags::from_bits_retain(libc::O_EVTONLY.cast_unsigned());
    open(path, only_events | OFlags::CLOEXEC | OFlags::NONBLOCK | flags, Mode::empty())
}

fn file_id(descriptor: &OwnedFd) -> Result<(i32, u64), Errno> {
    rustix::fs::fstat(descriptor).map(|stat| (stat.st_dev, stat.st_ino))
}
