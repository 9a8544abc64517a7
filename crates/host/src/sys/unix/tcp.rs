//! What TCP sockets need before they listen.

use socket2::Socket;
use std::io;

/// That this machine has no addresses of a family (socket(2)).
pub const NO_SUCH_FAMILY: i32 = libc::EAFNOSUPPORT;

/// Has `socket` get its port whatever still fades away there of an earlier listener's connections.
///
/// # Errors
/// As of setsockopt(2).
pub fn claim(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)
}
