//! Which file a path leads to.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Device and inode of a file.
pub type FileId = (u64, u64);

/// Which file `path` is; `None` when it is not there, or not to be seen by us.
pub fn file_id(path: &Path) -> Option<FileId> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}
