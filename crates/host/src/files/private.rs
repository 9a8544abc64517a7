//! Folders that are nobody else's business.

use super::{FileError, FileKind};
use crate::sys::files as sys;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// Makes sure that `path` is a folder; creates what is missing of it, open to this user alone (mode 0700). An existing
/// folder is left as it is.
pub fn create_folders(path: &Path) -> Result<(), FileError> {
    match sys::create_folders(path) {
        Ok(()) => Ok(()),
        Err(reason) if reason.kind() == ErrorKind::AlreadyExists => expect_folder(path),
        Err(reason) => Err(FileError::os("create the folder", path)(reason)),
    }
}

/// Makes sure that `path` is a folder in which only this user can read and write; creates what is
/// missing of it so (mode 0700).
///
/// An existing one that others may read is closed to them. One that others may *write*, or that
/// belongs to another user, is refused: what is in it could be anybody's.
pub fn private_dir(path: &Path) -> Result<(), FileError> {
    match sys::create_folder(path) {
        Ok(()) => return Ok(()),
        Err(reason) if reason.kind() == ErrorKind::AlreadyExists => {}
        Err(_) => create_folders(path)?,
    }
    expect_folder(path)?;
    sys::ensure_private(path)
}

fn expect_folder(path: &Path) -> Result<(), FileError> {
    let seen = fs::symlink_metadata(path).map_err(FileError::os("look at", path))?;
    FileKind::of(seen.file_type()).expect(FileKind::Folder, path)
}
