//! The registry's file as it is found, and what tells one version of it from another.

use super::storage::StorageError;
use process_monitor_core::registry::{self, Registry};
use process_monitor_host::files;
use process_monitor_host::layout::Layout;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What tells one version of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    /// Of the file that `metadata` tells of.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// Of the file at `path`, if one is there.
pub fn stamp(path: &Path) -> Option<Stamp> {
    std::fs::symlink_metadata(path).ok().map(|metadata| Stamp::of(&metadata))
}

/// The registry with its stamp; `None` where there is no file. The stamp is taken first: a write between the two then looks
/// like a change, never the reverse.
///
/// # Errors
/// When it cannot be read, or is no registry.
pub fn read(layout: &Layout) -> Result<Option<(Registry, Stamp)>, StorageError> {
    let path = layout.registry();
    let Some(stamp) = stamp(&path) else { return Ok(None) };
    let text = files::read_bounded(&path, registry::MAX_BYTES)?;
    let registry =
        Registry::parse(&text, layout.instance()).map_err(|why| StorageError::Content { path, why })?;
    Ok(Some((registry, stamp)))
}
