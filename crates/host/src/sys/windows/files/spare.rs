//! Files that have served, and would serve again on other systems ([`crate::stock`]): here what others have open cannot be renamed.

use super::replace::{remove_file, rename};
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// Whether files are kept to serve again.
pub const KEEPS_SPARES: bool = false;

/// There is none.
///
/// # Errors
/// None.
pub fn reopen(_spare: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

/// Writes `content` to a file that is empty.
///
/// # Errors
/// What the system said.
pub fn rewrite(mut file: &File, content: &[u8]) -> io::Result<()> {
    file.write_all(content)
}

/// Renames the file at `spare` to `path`, in place of what was there, which is gone (false).
///
/// # Errors
/// What the system said.
pub fn swap(spare: &Path, path: &Path) -> io::Result<bool> {
    rename(spare, path).map(|()| false)
}

/// Removes the file at `path`: it is not set aside (false). One that is gone is fine.
///
/// # Errors
/// What the system said.
pub fn set_aside(path: &Path, _spare: &Path) -> io::Result<bool> {
    match remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(false),
    }
}
