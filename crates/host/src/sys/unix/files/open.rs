//! Opening without following a link and without waiting for whoever has the other end: open(2).

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Opens what stands at `path` for reading. It may be no regular file: look.
///
/// # Errors
/// What the system said, for a link as well.
pub fn open_regular(path: &Path) -> io::Result<File> {
    open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)
}

/// Creates a file for writing that only this user can read and write; [`io::ErrorKind::AlreadyExists`] when the name is taken.
///
/// # Errors
/// What the system said.
pub fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// As [`create_new`]; each write goes to the end of the file.
///
/// # Errors
/// What the system said.
pub fn create_appending(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)
}

/// Opens a file to be read, and to be written to at its end; created like [`create_new`] where it is missing.
///
/// # Errors
/// What the system said, for a link as well.
pub fn open_appending(path: &Path) -> io::Result<File> {
    open(path, OFlags::RDWR | OFlags::CREATE | OFlags::APPEND)
}

/// Opens a file that is locked and holds nothing; created like [`create_new`] where it is missing. It may be no regular file: look.
///
/// # Errors
/// What the system said, for a link as well.
pub fn open_lock(path: &Path) -> io::Result<File> {
    open(path, OFlags::RDWR | OFlags::CREATE | OFlags::NONBLOCK)
}

/// Opens what `path` leads to for reading. It may be no regular file: look.
///
/// # Errors
/// What the system said.
pub fn open_following(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
}

/// Opens a file to be read and to be written to at any place; created like [`create_new`] where it is missing. It may be no
/// regular file: look. (splice(2) refuses one that is open for appending.)
///
/// # Errors
/// What the system said.
pub fn open_log(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NONBLOCK;
    Ok(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?.into())
}

/// A file that holds nothing and takes everything.
///
/// # Errors
/// When there is no descriptor left.
pub fn null() -> io::Result<File> {
    File::options().read(true).write(true).open("/dev/null")
}

/// Opens a folder, to look at what it is.
///
/// # Errors
/// What the system said, for a link as well.
pub fn open_folder(path: &Path) -> io::Result<File> {
    open(path, OFlags::RDONLY | OFlags::DIRECTORY)
}

/// Has what was written to `file` survive a power failure.
///
/// # Errors
/// What the system said.
pub fn sync(file: &File) -> io::Result<()> {
    match file.sync_all() {
        // Not every file system, such as one of another machine, can have the disk empty its own cache (fcntl(2) of macOS,
        // F_FULLFSYNC).
        Err(error) if [Errno::NOTSUP, Errno::NOTTY].map(Some).contains(&Errno::from_io_error(&error)) => {
            Ok(rustix::fs::fsync(file)?)
        }
        other => other,
    }
}

/// Has the name of the file at `path`, which is in `folder`, survive a power failure.
///
/// # Errors
/// What the system said.
pub fn sync_name(folder: &Path, _path: &Path) -> io::Result<()> {
    sync(&File::open(folder)?)
}

pub(super) fn open(path: &Path, flags: OFlags) -> io::Result<File> {
    let opened = rustix::fs::open(path, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR)?;
    Ok(opened.into())
}
