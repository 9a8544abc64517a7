//! Opening without following a link, and creating what is open to this user alone: `CreateFileW`. Whoever else opens the file
//! may read, write, rename and remove it meanwhile, as on other systems.

use crate::sys::names::wide;
use crate::sys::security::OwnerOnly;
use crate::sys::windows::object::owned;
use std::fs::File;
use std::io;
use std::path::Path;
use std::ptr;
use windows_sys::Win32::Foundation::{GENERIC_READ, GENERIC_WRITE};
use windows_sys::Win32::Storage::FileSystem::{
    CREATE_NEW, CreateFileW, DELETE, FILE_APPEND_DATA, FILE_ATTRIBUTE_NORMAL, FILE_ATTRIBUTE_TEMPORARY,
    FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_DELETE_ON_CLOSE, FILE_FLAG_OPEN_REPARSE_POINT,
    FILE_READ_ATTRIBUTES, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, FILE_WRITE_ATTRIBUTES,
    OPEN_ALWAYS, OPEN_EXISTING, READ_CONTROL, SYNCHRONIZE, WRITE_DAC,
};

/// What a file is opened for.
const READ_AND_WRITE: u32 = GENERIC_READ | GENERIC_WRITE;
/// Each write goes to the end of the file ("File Access Rights Constants", `FILE_APPEND_DATA`).
const APPEND: u32 = FILE_APPEND_DATA | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE;

/// Others may do what they want meanwhile.
pub(super) const SHARE_ALL: u32 = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

/// How a file is opened.
pub(super) struct How {
    pub(super) access: u32,
    pub(super) share: u32,
    pub(super) creation: u32,
    pub(super) flags: u32,
}

impl How {
    const fn new(access: u32, creation: u32, flags: u32) -> Self {
        Self { access, share: SHARE_ALL, creation, flags }
    }
}

/// Opens what stands at `path` for reading. It may be no regular file: look.
///
/// # Errors
/// What the system said.
pub fn open_regular(path: &Path) -> io::Result<File> {
    open(path, &How::new(GENERIC_READ, OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT))
}

/// Opens what `path` leads to for reading. It may be no regular file: look.
///
/// # Errors
/// What the system said.
pub fn open_following(path: &Path) -> io::Result<File> {
    open(path, &How::new(GENERIC_READ, OPEN_EXISTING, 0))
}

/// Creates a file for writing that only this user can read and write; [`io::ErrorKind::AlreadyExists`] when the name is taken.
///
/// # Errors
/// What the system said.
pub fn create_new(path: &Path) -> io::Result<File> {
    create(path, &How::new(READ_AND_WRITE | READ_CONTROL | WRITE_DAC, CREATE_NEW, 0))
}

/// As [`create_new`]; each write goes to the end of the file.
///
/// # Errors
/// What the system said.
pub fn create_appending(path: &Path) -> io::Result<File> {
    create(path, &How::new(APPEND, CREATE_NEW, 0))
}

/// Opens a file to be read, and to be written to at its end; created like [`create_new`] where it is missing.
///
/// # Errors
/// What the system said.
pub fn open_appending(path: &Path) -> io::Result<File> {
    create(path, &How::new(GENERIC_READ | APPEND, OPEN_ALWAYS, FILE_FLAG_OPEN_REPARSE_POINT))
}

/// Opens a file that is locked and holds nothing; created like [`create_new`] where it is missing. It may be no regular file: look.
///
/// # Errors
/// What the system said.
pub fn open_lock(path: &Path) -> io::Result<File> {
    create(path, &How::new(READ_AND_WRITE, OPEN_ALWAYS, FILE_FLAG_OPEN_REPARSE_POINT))
}

/// Opens a file to be read and to be written to at any place; created like [`create_new`] where it is missing. It may be no
/// regular file: look.
///
/// # Errors
/// What the system said.
pub fn open_log(path: &Path) -> io::Result<File> {
    create(path, &How::new(READ_AND_WRITE, OPEN_ALWAYS, 0))
}

/// Creates a file that is gone when nobody has it open any more.
///
/// # Errors
/// What the system said; [`io::ErrorKind::AlreadyExists`] when the name is taken.
pub fn open_temporary(path: &Path) -> io::Result<File> {
    let flags = FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE;
    create(path, &How::new(READ_AND_WRITE | DELETE, CREATE_NEW, flags))
}

/// Opens what stands at `path` to ask what it is; a folder, too.
pub(super) fn open_to_ask(path: &Path, flags: u32) -> io::Result<File> {
    open(path, &How::new(FILE_READ_ATTRIBUTES, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | flags))
}

/// A file that holds nothing and takes everything.
///
/// # Errors
/// When there is no handle left.
pub fn null() -> io::Result<File> {
    open(Path::new("NUL"), &How::new(READ_AND_WRITE, OPEN_EXISTING, 0))
}

/// Has what was written to `file` survive a power failure.
///
/// # Errors
/// What the system said.
pub fn sync(file: &File) -> io::Result<()> {
    file.sync_all()
}

/// Has the name of the file at `path` survive a power failure: what is written of a file's name is in the file system's log, and
/// that is on the disk when the file itself is (`FlushFileBuffers` on NTFS).
///
/// # Errors
/// What the system said.
pub fn sync_name(_folder: &Path, path: &Path) -> io::Result<()> {
    open(path, &How::new(READ_AND_WRITE, OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT))?.sync_all()
}

/// Opens a file, which is open to this user alone if it is created.
fn create(path: &Path, how: &How) -> io::Result<File> {
    let only_us = OwnerOnly::new()?;
    open_with(path, how, only_us.as_ptr())
}

pub(super) fn open(path: &Path, how: &How) -> io::Result<File> {
    open_with(path, how, ptr::null())
}

fn open_with(
    path: &Path,
    how: &How,
    attributes: *const windows_sys::Win32::Security::SECURITY_ATTRIBUTES,
) -> io::Result<File> {
    let name = wide(path)?;
    let flags = if how.flags == 0 { FILE_ATTRIBUTE_NORMAL } else { how.flags };
    // SAFETY: the name is null-terminated, and the attributes live as long as the call.
    let opened = owned(unsafe {
        CreateFileW(name.as_ptr(), how.access, how.share, attributes, how.creation, flags, ptr::null_mut())
    });
    Ok(opened?.into())
}
