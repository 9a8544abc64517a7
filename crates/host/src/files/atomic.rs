//! Replacing a file so that a reader sees the old content or the new, and never anything between.

use super::temporary::split;
use super::{FileError, FileKind, Stamp, Temporary};
use crate::sys::files as sys;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// What a file must survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A power failure: content and name are on the disk when the call returns.
    Synced,
    /// The death of any process, but not of the machine.
    Unsynced,
}

/// Replaces the file at `path` by one with this content, or creates it. The new file has the mode and
/// owner of the one that it replaces; a created one is open to this user alone (mode 0600).
///
/// Whatever fails, the old file is as it was and the temporary file is gone; the one exception is
/// [`FileError::NotSynced`]. Only a regular file is replaced: a symbolic link is refused, because the
/// rename would cut it, and following it would write in a folder that nobody vouched for.
///
/// Writers of the same file must exclude each other, or the last one wins.
pub fn write_atomic(path: &Path, content: &[u8], durability: Durability) -> Result<(), FileError> {
    let temporary = prepare(path, content, durability)?;
    crate::crash_point!("write::before_rename");
    temporary.rename_to(path).map_err(FileError::not_written("put it in place", path))?;
    crate::crash_point!("write::after_rename");
    sync_name(path, durability)
}

/// As [`write_atomic`], unless what is replaced is not what the caller knows: `known` is shown the file
/// that is there, or `None` where there is none. So whoever edits the file without a lock is not
/// overwritten, however close the two meet. Gives what tells the new file from any other, or `None`
/// when it was not replaced.
///
/// Where the file system cannot exchange two files (renameat2(2); NFS, some FUSE ones and Windows cannot), the
/// look comes before the rename, and an edit within the microseconds between is overwritten.
///
/// # Errors
/// As [`write_atomic`].
pub fn replace_if(
    path: &Path,
    content: &[u8],
    durability: Durability,
    known: impl Fn(Option<&Stamp>) -> bool,
) -> Result<Option<Stamp>, FileError> {
    let mut temporary = prepare(path, content, durability)?;
    let written =
        Stamp::of(temporary.file()).map_err(FileError::not_written("look at the new file", path))?;
    crate::crash_point!("write::before_rename");
    if !known(stamp_at(path)?.as_ref()) {
        return Ok(None);
    }
    crate::crash_point!("write::looked");
    let in_place =
        temporary.exchange_if(path, &known).map_err(FileError::not_written("put it in place", path))?;
    crate::crash_point!("write::after_rename");
    if !in_place {
        return Ok(None);
    }
    sync_name(path, durability)?;
    Ok(Some(written))
}

/// The new content in a file beside the old one, with its owner and mode.
fn prepare(path: &Path, content: &[u8], durability: Durability) -> Result<Temporary, FileError> {
    let replaced = regular_file_at(path)?;
    let temporary =
        Temporary::create_for(path).map_err(FileError::not_written("create a file beside it", path))?;
    temporary.file().write_all(content).map_err(FileError::not_written("write the content", path))?;
    if let Some(old) = replaced {
        sys::inherit(temporary.file(), path, &old)
            .map_err(FileError::not_written("keep its owner and mode", path))?;
    }
    if durability == Durability::Synced {
        sys::sync(temporary.file()).map_err(FileError::not_written("sync the content", path))?;
    }
    Ok(temporary)
}

fn sync_name(path: &Path, durability: Durability) -> Result<(), FileError> {
    match durability {
        Durability::Synced => {
            sync_folder_of(path).map_err(|reason| FileError::NotSynced { path: path.to_owned(), reason })
        }
        Durability::Unsynced => Ok(()),
    }
}

fn regular_file_at(path: &Path) -> Result<Option<Metadata>, FileError> {
    match fs::symlink_metadata(path) {
        Ok(seen) => FileKind::of(seen.file_type()).expect(FileKind::File, path).map(|()| Some(seen)),
        Err(reason) if reason.kind() == ErrorKind::NotFound => Ok(None),
        Err(reason) => Err(FileError::not_written("look at the old file", path)(reason)),
    }
}

/// What the caller may know of the regular file at `path`.
fn stamp_at(path: &Path) -> Result<Option<Stamp>, FileError> {
    match regular_file_at(path)?.map(|_| Stamp::at(path)) {
        None => Ok(None),
        Some(Ok(stamp)) => Ok(Some(stamp)),
        Some(Err(reason)) if reason.kind() == ErrorKind::NotFound => Ok(None),
        Some(Err(reason)) => Err(FileError::not_written("look at the old file", path)(reason)),
    }
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    let (folder, _) = split(path)?;
    sys::sync_name(folder, path)
}
