//! An OS lock on a file, held for life.

use crate::fd::OwnedFd;
use crate::files::{FileError, FileId, FileKind};
use crate::handover::Heirloom;
use crate::sys::files as sys;
use crate::sys::handover::{Herald, locked, offer};
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// An OS lock (`flock(2)`, on Windows `LockFileEx`), released when it is dropped or its process ends, however it ends.
/// Its descriptor is closed by an exec. The file stays: removing it would let two holders in, one on
/// the removed file and one on a new one.
#[derive(Debug)]
pub struct LifeLock {
    path: PathBuf,
    // Held open, because closing it releases the lock.
    file: File,
}

impl LifeLock {
    /// Takes the lock at `path`, creating the file, for this user alone, where it is missing. `None`: somebody
    /// else holds it. Never waits.
    ///
    /// A child that its holder has forked keeps the lock until it execs; a caller that knows the holder
    /// to be dead may try again a moment later.
    pub fn try_acquire(path: &Path) -> Result<Option<Self>, FileError> {
        loop {
            let file = open(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(reason)) => return Err(FileError::os("lock", path)(reason)),
            }
            if is_still_at(&file, path)? {
                return Ok(Some(Self { path: path.to_owned(), file }));
            }
        }
    }

    /// The lock at `path` that the monitor before offers by `offered`, which is told by the herald when everything is
    /// taken over. `None`: that is not this lock, or somebody else has it.
    pub(super) fn inherit(path: &Path, offered: OwnedFd) -> Result<Option<(Self, Herald)>, FileError> {
        let Some((file, herald)) = locked(offered, || open(path))? else { return Ok(None) };
        let ours = is_still_at(&file, path)?;
        Ok(ours.then(|| (Self { path: path.to_owned(), file }, herald)))
    }

    /// For the monitor that follows: a second way to hold the lock, which is held as long as either is there.
    pub(super) fn heirloom(&self) -> io::Result<Heirloom> {
        self.file.try_clone().map(offer)
    }

    /// The locked file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn open(path: &Path) -> Result<File, FileError> {
    let file = sys::open_lock(path).map_err(FileError::os("open the lock", path))?;
    let kind = file.metadata().map_err(FileError::os("look at", path))?.file_type();
    FileKind::of(kind).expect(FileKind::File, path)?;
    Ok(file)
}

/// Whether nobody removed the file between our opening and our locking it.
fn is_still_at(file: &File, path: &Path) -> Result<bool, FileError> {
    let ours = FileId::of(file).map_err(FileError::os("look at", path))?;
    match FileId::at(path) {
        Ok(there) => Ok(there == ours),
        Err(reason) if reason.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(reason) => Err(FileError::os("look at", path)(reason)),
    }
}
