//! Folders that are nobody else's business.

use super::{FileError, FileKind};
use rustix::fs::{Mode, OFlags};
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

const PRIVATE: u32 = 0o700;
const WRITABLE_BY_OTHERS: u32 = 0o022;
const ACCESSIBLE_BY_OTHERS: u32 = 0o077;
const READABLE_BY_OTHERS: u32 = 0o044;

/// Makes sure that `path` is a folder; creates what is missing of it with mode 0700. An existing
/// folder is left as it is.
pub fn create_folders(path: &Path) -> Result<(), FileError> {
    match DirBuilder::new().recursive(true).mode(PRIVATE).create(path) {
        Ok(()) => Ok(()),
        Err(reason) if reason.kind() == ErrorKind::AlreadyExists => {
            let seen = fs::symlink_metadata(path).map_err(FileError::os("look at", path))?;
            FileKind::of(seen.file_type()).expect(FileKind::Folder, path)
        }
        Err(reason) => Err(FileError::os("create the folder", path)(reason)),
    }
}

/// Makes sure that `path` is a folder in which only this user can read and write; creates what is
/// missing of it with mode 0700.
///
/// An existing one that others may read is closed to them. One that others may *write*, or that
/// belongs to another user, is refused: what is in it could be anybody's.
pub fn private_dir(path: &Path) -> Result<(), FileError> {
    match DirBuilder::new().mode(PRIVATE).create(path) {
        Ok(()) => return Ok(()),
        Err(reason) if reason.kind() == ErrorKind::AlreadyExists => {}
        Err(_) => create_folders(path)?,
    }
    let folder = open_folder(path)?;
    let seen = folder.metadata().map_err(FileError::os("look at", path))?;
    let user = rustix::process::geteuid().as_raw();
    if seen.uid() != user {
        return Err(FileError::ForeignOwner { path: path.to_owned(), owner: seen.uid(), user });
    }
    let mode = seen.mode() & 0o7777;
    if mode & WRITABLE_BY_OTHERS != 0 {
        return Err(FileError::OpenToOthers { path: path.to_owned(), mode });
    }
    if mode & ACCESSIBLE_BY_OTHERS != 0 {
        let closed = Permissions::from_mode(PRIVATE);
        folder.set_permissions(closed).map_err(FileError::os("close to others the folder", path))?;
    }
    Ok(())
}

/// Whether others than its owner may read the file at `path`. No pipe or device is said to be so.
///
/// # Errors
/// As of stat(2).
pub fn readable_by_others(path: &Path) -> std::io::Result<bool> {
    let seen = fs::metadata(path)?;
    Ok(seen.is_file() && seen.mode() & READABLE_BY_OTHERS != 0)
}

fn open_folder(path: &Path) -> Result<File, FileError> {
    let seen = fs::symlink_metadata(path).map_err(FileError::os("look at", path))?;
    FileKind::of(seen.file_type()).expect(FileKind::Folder, path)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty())
        .map(File::from)
        .map_err(|errno| FileError::os("open the folder", path)(errno.into()))
}
