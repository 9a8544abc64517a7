//! Whose a file is and who may do what with it: owners and access control lists.

use super::access::{Access, Others};
use crate::files::FileError;
use crate::sys::names::wide;
use crate::sys::security::OwnerOnly;
use crate::sys::windows::object::done;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::path::Path;
use windows_sys::Win32::Storage::FileSystem::CreateDirectoryW;

/// Creates a folder that is open to this user and the system alone, and so is what is made in it.
///
/// # Errors
/// What the system said.
pub fn create_folder(path: &Path) -> io::Result<()> {
    let (name, only_us) = (wide(path)?, OwnerOnly::for_folder()?);
    // SAFETY: the name is null-terminated, and the attributes live as long as the call.
    done(unsafe { CreateDirectoryW(name.as_ptr(), only_us.as_ptr()) })
}

/// As [`create_folder`], with whatever is missing above it; a folder that is there is left as it is.
///
/// # Errors
/// What the system said.
pub fn create_folders(path: &Path) -> io::Result<()> {
    match create_folder(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            create_folders(parent.ok_or(error)?)?;
            create_folder(path)
        }
        // The root of a drive is said to be closed to us, and not to be there already.
        Err(_) if path.is_dir() => Ok(()),
        other => other,
    }
}

/// See [`crate::files::private_dir`], of a folder that is there.
///
/// # Errors
/// When it is not ours, or was open to others for writing.
pub fn ensure_private(path: &Path) -> Result<(), FileError> {
    let access = Access::of(path).map_err(FileError::os("look who may use", path))?;
    if !access.is_ours().map_err(FileError::os("look at the owner of", path))? {
        let (owner, user) = access.owner_and_user().map_err(FileError::os("look at the owner of", path))?;
        return Err(FileError::ForeignOwner { path: path.to_owned(), owner, user });
    }
    match access.others().map_err(FileError::os("look who may use", path))? {
        Others::Nothing => Ok(()),
        Others::Read => {
            let only_us = OwnerOnly::for_folder().map_err(FileError::os("look who may use", path))?;
            Access::close(path, &only_us).map_err(FileError::os("close to others the folder", path))
        }
        Others::Write(who) => {
            let (rights, remedy) =
                (format!("by {who}"), r"icacls … /inheritance:r /grant:r %USERNAME%:(OI)(CI)F".to_owned());
            Err(FileError::OpenToOthers { path: path.to_owned(), rights, remedy })
        }
    }
}

/// Whether others than its owner and the administrators may read the file at `path`.
///
/// # Errors
/// What the system said.
pub fn readable_by_others(path: &Path) -> io::Result<bool> {
    Ok(std::fs::metadata(path)?.is_file() && !matches!(Access::of(path)?.others()?, Others::Nothing))
}

/// Gives `file` the access list of the one at `path` whose place it takes.
///
/// # Errors
/// What the system said.
pub fn inherit(file: &File, path: &Path, _old: &Metadata) -> io::Result<()> {
    Access::of(path)?.give_to(file)
}
