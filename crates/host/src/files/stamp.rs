//! What tells one version of a file from another.

use crate::sys::private;
use std::fs::Metadata;
use std::path::Path;
use std::time::SystemTime;

/// One version of a file that is always replaced as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    which: u64,
    size: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    /// Of the file that `metadata` tells of.
    pub fn of(metadata: &Metadata) -> Self {
        Self { which: private::which(metadata), size: metadata.len(), modified: metadata.modified().ok() }
    }

    /// Of the file at `path`, if one is there.
    pub fn at(path: &Path) -> Option<Self> {
        std::fs::symlink_metadata(path).ok().map(|metadata| Self::of(&metadata))
    }
}
