//! Errors of the output's files, in the form that all files of this crate share.

use crate::files::FileError;
use std::io;
use std::path::Path;

/// For `map_err`: what was attempted (a verb), and on what.
pub(super) fn failed<E: Into<io::Error>>(
    operation: &'static str,
    path: &Path,
) -> impl FnOnce(E) -> FileError {
    move |reason| FileError::os(operation, path)(reason.into())
}
