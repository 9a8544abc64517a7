//! Which file a command leads to: execvp(3).

use process_monitor_core::access::executable::PathStyle;
use rustix::fs::{Access, access};
use std::io;
use std::path::{Path, PathBuf};

/// Where programs are looked for when there is no PATH (as execvp(3) of glibc).
pub const PATH_WITHOUT_PATH: &str = "/bin:/usr/bin";

/// How paths are written here.
pub const PATH_STYLE: PathStyle = PathStyle::Unix;

/// The file that `path` means when it may be executed: a look-up in PATH goes on past what may not.
pub fn executable(path: PathBuf) -> Option<PathBuf> {
    (path.is_file() && access(&path, Access::EXEC_OK).is_ok()).then_some(path)
}

/// Where `path` really leads, over all links.
///
/// # Errors
/// When that is nowhere.
pub fn canonical(path: &Path) -> io::Result<PathBuf> {
    path.canonicalize()
}
