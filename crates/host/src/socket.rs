//! Unix sockets whose path may be longer than `sun_path` (108 bytes, unix(7)).

use rustix::fs::{Mode, OFlags, open};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// A short name for a path, for as long as it lives.
pub struct ShortPath {
    path: PathBuf,
    _parent: Option<OwnedFd>,
}

impl ShortPath {
    /// `path` itself when it fits, else the same through an open descriptor of its folder.
    ///
    /// # Errors
    /// When the path names no file, or its folder cannot be opened.
    pub fn of(path: &Path) -> io::Result<Self> {
        if path.as_os_str().len() < 108 {
            return Ok(Self { path: path.to_owned(), _parent: None });
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let parent = open(parent, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", parent.as_raw_fd())).join(name);
        Ok(Self { path, _parent: Some(parent) })
    }

    /// The short name.
    pub fn as_path(&self) -> &Path {
        &self.path
    }
}
