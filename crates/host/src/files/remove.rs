//! Removing files.

use crate::sys::files::remove_file;
use std::io::{self, ErrorKind};
use std::path::Path;

/// Removes the file at `path`, and says whether it was there. On Windows it waits a moment for who holds the file, such as an
/// antivirus.
///
/// # Errors
/// What the system said.
pub fn remove_if_there(path: impl AsRef<Path>) -> io::Result<bool> {
    match remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_no_error_and_what_cannot_be_removed_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(remove_if_there(&file).unwrap());
        assert!(!remove_if_there(&file).unwrap());
        remove_if_there(folder.path()).unwrap_err();
    }
}
