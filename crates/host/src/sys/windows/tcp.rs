//! What TCP sockets need before they listen.

use socket2::Socket;
use std::io;
use std::os::windows::io::AsRawSocket;
use windows_sys::Win32::Networking::WinSock::{
    SO_EXCLUSIVEADDRUSE, SOCKET, SOL_SOCKET, WSAEAFNOSUPPORT, WSAGetLastError, setsockopt,
};

/// That this machine has no addresses of a family ("Windows Sockets Error Codes").
pub const NO_SUCH_FAMILY: i32 = WSAEAFNOSUPPORT;

/// Lets nobody else listen where `socket` does. What fades away of an earlier listener's connections keeps no port here, and
/// `SO_REUSEADDR` would let anybody take it over ("Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE").
///
/// # Errors
/// What the system said.
pub fn claim(socket: &Socket) -> io::Result<()> {
    let yes = 1_i32.to_ne_bytes();
    let length = yes.len() as i32;
    // SAFETY: the socket is open, and the option has the size that is given.
    let error = unsafe {
        setsockopt(socket.as_raw_socket() as SOCKET, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, yes.as_ptr(), length)
    };
    // SAFETY: it reads a number of this thread.
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(unsafe { WSAGetLastError() })) }
}
