//! Unix sockets whose path may be longer than the system allows.

use crate::fd::OwnedFd;
use crate::sys::paths;
use std::io;
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
        if path.as_os_str().len() <= paths::LONGEST_OF_SOCKET {
            return Ok(Self { path: path.to_owned(), _parent: None });
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let (short, parent) = paths::short_name(parent)?;
        Ok(Self { path: short.join(name), _parent: Some(parent) })
    }

    /// The short name.
    pub fn as_path(&self) -> &Path {
        &self.path
    }
}
