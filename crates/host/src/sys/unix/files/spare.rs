//! Files that have served, and serve again ([`crate::stock`]).

use super::open::open;
use super::replace::exchange;
use crate::files::remove_if_there;
use rustix::fs::{OFlags, fcntl_setfl};
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// Whether files are kept to serve again.
pub const KEEPS_SPARES: bool = true;

/// Opens the file at `spare` and locks it for us alone. `None`: there is none, or it is no regular file, or somebody has it locked.
///
/// # Errors
/// What the system said, for a link as well.
pub fn reopen(spare: &Path) -> io::Result<Option<File>> {
    let file = match open(spare, OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Puts `content` in place of all that a [reopened](reopen) file has. What is written to it from now on, also by children that have it,
/// goes to its end.
///
/// # Errors
/// What the system said.
pub fn rewrite(mut file: &File, content: &[u8]) -> io::Result<()> {
    file.write_all(content)?;
    // Not emptied first: when a file that was is closed, ext4 writes it to the disk at once (`auto_da_alloc` in ext4(5)).
    file.set_len(content.len() as u64)?;
    Ok(fcntl_setfl(file, OFlags::APPEND)?)
}

/// Renames the file at `spare` to `path`. What was there has the name `spare` then (true), or is gone.
///
/// # Errors
/// What the system said.
pub fn swap(spare: &Path, path: &Path) -> io::Result<bool> {
    match exchange(spare, path) {
        Ok(()) => Ok(true),
        // Nothing is there, or the file system cannot exchange, or a sandbox does not let us.
        Err(_) => fs::rename(spare, path).map(|()| false),
    }
}

/// Gives the file at `path` the name `spare`, and says whether it has it; removes it where it cannot, because a longer name takes
/// room in the folder. One that is gone is fine.
///
/// # Errors
/// When it can be neither renamed nor removed.
pub fn set_aside(path: &Path, spare: &Path) -> io::Result<bool> {
    match fs::rename(path, spare) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(_) => remove_if_there(path).map(|_| false),
    }
}
