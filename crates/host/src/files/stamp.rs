//! Which file, and which version of it.

use crate::sys::files as sys;
use std::fs::File;
use std::io;
use std::path::Path;

/// Which file of this machine, whatever it is called. As long as somebody has it open, no other gets the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileId {
    pub(crate) volume: u64,
    pub(crate) number: u64,
}

impl FileId {
    /// Of an open file.
    ///
    /// # Errors
    /// What the system said.
    pub fn of(file: &File) -> io::Result<Self> {
        Stamp::of(file).map(|stamp| stamp.id)
    }

    /// Of what stands at `path`; a link is what it is itself.
    ///
    /// # Errors
    /// When there is nothing, or nothing that we may see.
    pub fn at(path: &Path) -> io::Result<Self> {
        Stamp::at(path).map(|stamp| stamp.id)
    }
}

/// What tells one version of a file from another: which file it is, how long, and when it was last written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Which file.
    pub id: FileId,
    /// Its length.
    pub bytes: u64,
    /// When it was written to, as the file system counts: whole units since its own beginning of time, and nanoseconds.
    pub(crate) modified: (i64, i64),
}

impl Stamp {
    /// Of an open file.
    ///
    /// # Errors
    /// What the system said.
    pub fn of(file: &File) -> io::Result<Self> {
        sys::stamp_of(file)
    }

    /// Of what stands at `path`; a link is what it is itself.
    ///
    /// # Errors
    /// When there is nothing, or nothing that we may see.
    pub fn at(path: &Path) -> io::Result<Self> {
        sys::stamp_at(path)
    }

    /// Of what `path` leads to, over any links.
    ///
    /// # Errors
    /// When it leads nowhere, or to nothing that we may see.
    pub fn behind(path: &Path) -> io::Result<Self> {
        sys::stamp_behind(path)
    }
}
