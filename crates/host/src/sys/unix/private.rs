//! Files that are nobody else's, and which one a file is.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Creates the file at `path` for appending, mode 0600.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when something is there.
pub fn create_for_appending(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)
}

/// A number by which a file is told from the one that takes its place: its inode.
pub fn which(metadata: &Metadata) -> u64 {
    metadata.ino()
}
