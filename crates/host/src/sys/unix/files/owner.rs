//! Whose a file is and who may do what with it: modes and owners (inode(7)).

use super::open_folder;
use crate::files::FileError;
use std::fs::{self, DirBuilder, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, fchown};
use std::path::Path;

const PRIVATE: u32 = 0o700;
const WRITABLE_BY_OTHERS: u32 = 0o022;
const ACCESSIBLE_BY_OTHERS: u32 = 0o077;
const READABLE_BY_OTHERS: u32 = 0o044;

/// Creates a folder that is open to this user alone (mode 0700).
///
/// # Errors
/// What the system said.
pub fn create_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(PRIVATE).create(path)
}

/// As [`create_folder`], with whatever is missing above it; a folder that is there is left as it is.
///
/// # Errors
/// What the system said.
pub fn create_folders(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(PRIVATE).create(path)
}

/// See [`crate::files::private_dir`], of a folder that is there.
///
/// # Errors
/// When it is not ours, or was open to others for writing.
pub fn ensure_private(path: &Path) -> Result<(), FileError> {
    let folder = open_folder(path).map_err(FileError::os("open the folder", path))?;
    let seen = folder.metadata().map_err(FileError::os("look at", path))?;
    let user = rustix::process::geteuid().as_raw();
    if seen.uid() != user {
        let (owner, user) = (seen.uid().to_string(), user.to_string());
        return Err(FileError::ForeignOwner { path: path.to_owned(), owner, user });
    }
    let mode = seen.mode() & 0o7777;
    if mode & WRITABLE_BY_OTHERS != 0 {
        let (rights, remedy) = (format!("mode {mode:04o}"), "chmod 700".to_owned());
        return Err(FileError::OpenToOthers { path: path.to_owned(), rights, remedy });
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
pub fn readable_by_others(path: &Path) -> io::Result<bool> {
    let seen = fs::metadata(path)?;
    Ok(seen.is_file() && seen.mode() & READABLE_BY_OTHERS != 0)
}

/// Gives `file` the owner and the mode of the one at `path` whose place it takes.
///
/// # Errors
/// What the system said.
pub fn inherit(file: &File, _path: &Path, old: &Metadata) -> io::Result<()> {
    let user = rustix::process::geteuid();
    // Only root can give a file away; and root must, or the user's monitor can't read its own registry
    // after a single `sudo`.
    if user.is_root() && old.uid() != user.as_raw() {
        fchown(file, Some(old.uid()), Some(old.gid()))?;
    }
    file.set_permissions(Permissions::from_mode(old.mode() & 0o777))
}
