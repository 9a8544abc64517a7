//! The control socket: the API for this machine's user, and nobody else.

use process_monitor_host::layout::Layout;
use process_monitor_host::socket::ShortPath;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use tokio::net::UnixListener;

/// Binds the control socket. What an earlier monitor left in its place is removed: the caller holds
/// the instance's lock, so nobody serves it. The folder around it is 0700, so that it is nobody
/// else's in the moment before its own mode is set.
///
/// # Errors
/// When the folder cannot be written.
pub fn bind(layout: &Layout) -> io::Result<UnixListener> {
    let path = layout.control_socket();
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(ShortPath::of(&path)?.as_path())?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    Ok(listener)
}
