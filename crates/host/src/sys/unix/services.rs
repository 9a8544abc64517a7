//! Units of service managers that are files.

use crate::files::{self, Durability, FileError};
use crate::service_manager::{ManagerError, State};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A unit is no longer than that, in bytes.
const LONGEST_UNIT: u64 = 1 << 20;

/// The text of the unit at `path`; `None` where there is none.
///
/// # Errors
/// When it cannot be read.
pub fn read_unit(path: &Path) -> Result<Option<String>, FileError> {
    match files::read_bounded(path, LONGEST_UNIT) {
        Ok(text) => Ok(Some(String::from_utf8_lossy(&text).into_owned())),
        Err(FileError::Os { reason, .. }) if reason.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a unit, which everybody may read.
///
/// # Errors
/// When the folder cannot be written; a unit that was there is as it was.
pub fn write_unit(path: &Path, text: &str) -> Result<(), FileError> {
    if let Some(folder) = path.parent() {
        files::create_folders(folder)?;
    }
    files::write_atomic(path, text.as_bytes(), Durability::Synced)?;
    let readable = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(path, readable).map_err(FileError::os("let everybody read", path))
}

/// Removes the unit at `path`.
///
/// # Errors
/// When the folder cannot be written.
pub fn remove_unit(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

/// Does `run`: whoever manages services knows this process by its pid, its end by its exit code.
pub fn supervised<T: Send + 'static>(
    run: impl FnOnce() -> T + Send + 'static,
    _code: impl FnOnce(&T) -> u32 + Send + 'static,
) -> T {
    run()
}

/// The manager is told by sd_notify(3), if it wants to know.
pub fn tell(_state: State) {}

/// The service control manager is another system's.
const ELSEWHERE: &str = "the service control manager";

/// # Errors
/// Always.
pub fn folder(_of_user: bool) -> Result<PathBuf, ManagerError> {
    Err(ManagerError::NotBooted(ELSEWHERE))
}

/// # Errors
/// Always.
pub fn disable(_name: &str) -> io::Result<()> {
    Err(io::Error::new(ErrorKind::Unsupported, ELSEWHERE))
}

/// # Errors
/// Always.
pub fn is_enabled(_name: &str) -> io::Result<String> {
    Err(io::Error::new(ErrorKind::Unsupported, ELSEWHERE))
}

/// # Errors
/// Always.
pub fn is_active(_name: &str) -> io::Result<String> {
    Err(io::Error::new(ErrorKind::Unsupported, ELSEWHERE))
}
