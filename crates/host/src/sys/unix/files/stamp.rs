//! Device, inode, size and time of change of the content (inode(7)).

use crate::files::{FileId, Stamp};
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// See [`Stamp::of`].
pub fn stamp_of(file: &File) -> io::Result<Stamp> {
    file.metadata().map(stamp)
}

/// See [`Stamp::at`].
pub fn stamp_at(path: &Path) -> io::Result<Stamp> {
    fs::symlink_metadata(path).map(stamp)
}

/// See [`Stamp::behind`].
pub fn stamp_behind(path: &Path) -> io::Result<Stamp> {
    fs::metadata(path).map(stamp)
}

fn stamp(seen: Metadata) -> Stamp {
    Stamp {
        id: FileId { volume: seen.dev(), number: seen.ino() },
        bytes: seen.size(),
        modified: (seen.mtime(), seen.mtime_nsec()),
    }
}
