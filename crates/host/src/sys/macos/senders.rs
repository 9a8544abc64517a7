//! Who sent a datagram: the system does not tell, so it is he who can reach the socket. Its folder lets in nobody but our own
//! user (and root).

use crate::sys::terms::Datagram;
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use std::io;
use std::os::unix::net::UnixDatagram;

/// Has `socket` be told with each datagram who sent it.
pub fn ask(_socket: &UnixDatagram) -> io::Result<()> {
    Ok(())
}

/// Takes the next datagram of `socket` into `bytes`; never waits. Descriptors that come with it are closed by the system,
/// because there is no room for them (recvmsg(2), MSG_CTRUNC).
///
/// # Errors
/// Those of recv(2); [`Errno::AGAIN`] when there is none.
pub fn receive(socket: &UnixDatagram, bytes: &mut [u8]) -> Result<Datagram, Errno> {
    let room = bytes.len();
    let (_, received) = recv(socket, bytes, RecvFlags::DONTWAIT)?;
    Ok(Datagram { bytes: received.min(room), cut_off: received >= room, is_ours: true })
}
