//! The control socket: the API for this machine's user, and nobody else.

use super::succession::CONTROL;
use process_monitor_host::handover::Inherited;
use process_monitor_host::layout::Layout;
use process_monitor_host::socket::ShortPath;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use tokio::net::UnixListener;

/// The control socket: the one that the monitor before in this process left, so that it never closed, if it still is
/// where clients look for it, else a new one. What an earlier monitor left in its place is removed: the caller holds
/// the instance's lock, so nobody serves it. The folder around it is 0700, so that it is nobody
/// else's in the moment before its own mode is set.
///
/// # Errors
/// When the folder cannot be written.
pub fn listen(layout: &Layout, inherited: &mut Inherited) -> io::Result<UnixListener> {
    let path = layout.control_socket();
    if let Some(listener) = inherited.take_unix(CONTROL).filter(|_| is_socket(&path)) {
        listener.set_nonblocking(true)?;
        return UnixListener::from_std(listener);
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(ShortPath::of(&path)?.as_path())?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
}
