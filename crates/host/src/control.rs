//! The control socket: by which this machine's user talks to his monitor, and nobody else can. A Unix socket, or a named
//! pipe where there are none that suffice; it is called by a path in either case (`Layout::control_socket`).

use crate::sys::control;
use std::io;
use std::path::Path;

pub use control::{Accepted, Connection, ControlListener};

/// Connects to the monitor that listens at `path`. Needs a runtime.
///
/// # Errors
/// [`io::ErrorKind::NotFound`] or [`io::ErrorKind::ConnectionRefused`] when nobody listens there;
/// [`io::ErrorKind::PermissionDenied`] when it is another user's.
pub async fn connect(path: &Path) -> io::Result<Connection> {
    control::connect(path).await
}
