//! Who sent a datagram: SCM_CREDENTIALS (unix(7)).

use crate::sys::terms::Datagram;
use rustix::io::Errno;
use rustix::net::sockopt::set_socket_passcred;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, recvmsg};
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixDatagram;

/// Has `socket` be told with each datagram who sent it.
pub fn ask(socket: &UnixDatagram) -> io::Result<()> {
    Ok(set_socket_passcred(socket, true)?)
}

/// Takes the next datagram of `socket` into `bytes`; never waits. Descriptors that come with it (`FDSTORE`, `BARRIER`)
/// are closed at once, which for a barrier is the answer.
///
/// # Errors
/// Those of recvmsg(2); [`Errno::AGAIN`] when there is none.
pub fn receive(socket: &UnixDatagram, bytes: &mut [u8]) -> Result<Datagram, Errno> {
    // Descriptors that have no room are closed by the kernel (MSG_CTRUNC).
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1), ScmRights(4))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(bytes)];
    let received =
        recvmsg(socket, &mut parts, &mut ancillary, RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC)?;
    let mut sender = None;
    for message in ancillary.drain() {
        match message {
            RecvAncillaryMessage::ScmCredentials(credentials) => sender = Some(credentials.uid),
            RecvAncillaryMessage::ScmRights(descriptors) => descriptors.for_each(drop),
            _ => {}
        }
    }
    let me = rustix::process::geteuid();
    let is_ours = sender.is_some_and(|uid| uid == me || uid.is_root());
    Ok(Datagram { bytes: received.bytes, cut_off: received.flags.contains(ReturnFlags::TRUNC), is_ours })
}
