//! What a user can do about an error of the system, and what stands at a path.

use crate::files::FileKind;
use std::fs::FileType;
use std::io;
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_DISK_FULL, ERROR_DISK_QUOTA_EXCEEDED, ERROR_FILENAME_EXCED_RANGE,
    ERROR_HANDLE_DISK_FULL, ERROR_LOCK_VIOLATION, ERROR_NO_SYSTEM_RESOURCES, ERROR_NOT_ENOUGH_QUOTA,
    ERROR_SHARING_VIOLATION, ERROR_TOO_MANY_OPEN_FILES, ERROR_USER_MAPPED_FILE, ERROR_WRITE_PROTECT,
};

/// As a clause after the error; `None` when nothing is known.
pub fn hint(error: &io::Error) -> Option<String> {
    let text = match code(error)? {
        ERROR_DISK_FULL | ERROR_HANDLE_DISK_FULL => "the disk is full: free some space",
        ERROR_DISK_QUOTA_EXCEEDED => "the user's disk quota is used up: free some space",
        ERROR_WRITE_PROTECT => "the disk is write-protected",
        ERROR_ACCESS_DENIED => {
            "this user lacks the permission, or the file is read-only: look with `icacls` and `attrib`"
        }
        ERROR_SHARING_VIOLATION | ERROR_LOCK_VIOLATION | ERROR_USER_MAPPED_FILE => {
            "another program has it open and lets nobody else: close that program, or exclude the folder from its scans"
        }
        ERROR_FILENAME_EXCED_RANGE => "choose a shorter --directory",
        ERROR_TOO_MANY_OPEN_FILES | ERROR_NO_SYSTEM_RESOURCES | ERROR_NOT_ENOUGH_QUOTA => {
            "the system is out of handles or memory: end some programs"
        }
        _ => return None,
    };
    Some(format!("; {text}"))
}

/// Whether it failed because this process, or the whole system, can open nothing more.
pub fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(code(error), Some(ERROR_TOO_MANY_OPEN_FILES | ERROR_NO_SYSTEM_RESOURCES))
}

/// Whether somebody else holds a file just now: an antivirus, an indexer, a backup.
pub(super) fn is_held(error: &io::Error) -> bool {
    matches!(
        code(error),
        Some(ERROR_SHARING_VIOLATION | ERROR_LOCK_VIOLATION | ERROR_USER_MAPPED_FILE | ERROR_ACCESS_DENIED)
    )
}

/// What the system says when a disk is full.
pub fn disk_full() -> io::Error {
    io::Error::from_raw_os_error(ERROR_DISK_FULL.cast_signed())
}

/// What stands there. Links and junctions are told alike.
pub fn kind(of: FileType) -> FileKind {
    if of.is_symlink() {
        FileKind::SymbolicLink
    } else if of.is_dir() {
        FileKind::Folder
    } else if of.is_file() {
        FileKind::File
    } else {
        FileKind::Device
    }
}

fn code(error: &io::Error) -> Option<u32> {
    error.raw_os_error().and_then(|code| u32::try_from(code).ok())
}
