//! Who holds the other end of a TCP connection.
//!
//! `names` asks the resolver which names an address really has.

pub mod names;

use crate::sys;
use process_monitor_core::access::Holder;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};

/// Who holds the socket `peer`, which is connected to our socket `ours`.
///
/// Asked when a connection has just been taken, the answer holds for as long as it stands: the pair of addresses
/// belongs to this connection, and so to the one socket at its other end.
pub fn holder(peer: SocketAddr, ours: SocketAddr) -> Holder {
    match is_here(peer) {
        true => Holder::here(owner_of(peer, ours), own_user()),
        false => Holder::OtherHost,
    }
}

/// The user as whom this process acts (geteuid(2)).
pub fn own_user() -> u32 {
    sys::users::own()
}

/// The user whose socket `peer` is, which is connected to our socket `ours` on this machine. `None` when there is no
/// such socket, when nobody holds it any more, or when the system does not tell. A socket that its program has
/// closed already has no inode, and its user reads as 0: that is never taken for root.
pub fn owner_of(peer: SocketAddr, ours: SocketAddr) -> Option<u32> {
    sys::peer::owner_of(peer, ours)
}

/// Whether `peer` is an address of this machine. A socket can be bound to no other, so it is tried. When that cannot
/// be found out it is said to be, because then nobody is trusted whose user is not known.
fn is_here(peer: SocketAddr) -> bool {
    let mut address = SocketAddr::new(peer.ip().to_canonical(), 0);
    if let (SocketAddr::V6(address), SocketAddr::V6(peer)) = (&mut address, peer) {
        address.set_scope_id(peer.scope_id());
    }
    let bound = || UdpSocket::bind(address);
    address.ip().is_loopback()
        || !matches!(bound(), Err(error) if error.kind() == ErrorKind::AddrNotAvailable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::process::{Command, Stdio};

    type Ask = fn(SocketAddr, SocketAddr) -> Option<u32>;

    /// Each way of asking, by its name.
    fn ways() -> Vec<(&'static str, Ask)> {
        sys::peer::WAYS.iter().copied().chain([("whichever", owner_of as Ask)]).collect()
    }

    #[test]
    fn we_are_found_as_ourselves() {
        let me = own_user();
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (taken, peer) = listener.accept().unwrap();
            let ours = taken.local_addr().unwrap();
            for (way, ask) in ways() {
                assert_eq!(ask(peer, ours), Some(me), "{way} {address}");
                let other = SocketAddr::new(peer.ip(), peer.port() ^ 1);
                assert_eq!(ask(other, ours), None, "{way} {address}: not the one who was asked about");
                // A listener on the same port is not the peer.
                assert_eq!(ask(listener.local_addr().unwrap(), peer), Some(me), "{way}: our own end");
                assert_eq!(ask(listener.local_addr().unwrap(), other), None, "{way}: a listener");
            }
            client.shutdown(Shutdown::Write).unwrap();
            if sys::peer::knows_half_closed(peer, ours) {
                ways()
                    .iter()
                    .for_each(|(way, ask)| assert_eq!(ask(peer, ours), Some(me), "{way}: half closed"));
            }
            drop(client);
            // Closed by its program, while the connection still stands on our side.
            ways().iter().for_each(|(way, ask)| assert_eq!(ask(peer, ours), None, "{way} {address}: closed"));
            assert_eq!(holder(peer, ours), Holder::Unknown);
        }
    }

    #[test]
    fn a_mapped_address_is_the_same_connection() {
        let Ok(listener) = TcpListener::bind("[::]:0") else { return };
        let port = listener.local_addr().unwrap().port();
        // Where sockets of IPv6 take IPv4 as well.
        let Ok(_client) = TcpStream::connect(("127.0.0.1", port)) else { return };
        let (taken, peer) = listener.accept().unwrap();
        assert!(peer.ip().to_canonical().is_ipv4());
        ways().iter().for_each(|(way, ask)| {
            assert_eq!(ask(peer, taken.local_addr().unwrap()), Some(own_user()), "{way}");
        });
    }

    #[test]
    fn another_user_is_found_as_himself() {
        if own_user() != 0 {
            return;
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // Nothing is imported after the change of user: Python's own files may be out of his reach.
        let connect = "import os, socket, sys; os.setuid(4711); s = socket.socket(); \
                       s.connect(('127.0.0.1', int(sys.argv[1]))); sys.stdin.read()";
        let mut command = Command::new("python3");
        let mut child =
            command.args(["-c", connect, &port.to_string()]).stdin(Stdio::piped()).spawn().unwrap();
        listener.set_nonblocking(true).unwrap();
        let (mut taken, peer) = loop {
            match listener.accept() {
                Ok(taken) => break taken,
                Err(_) => assert_eq!(child.try_wait().unwrap(), None, "he ended without connecting"),
            }
            std::thread::yield_now();
        };
        taken.set_nonblocking(false).unwrap();
        let ours = taken.local_addr().unwrap();
        ways().iter().for_each(|(way, ask)| assert_eq!(ask(peer, ours), Some(4711), "{way}"));
        assert_eq!(holder(peer, ours), Holder::Another(4711));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(taken.read(&mut [0]).unwrap(), 0);
        ways().iter().for_each(|(way, ask)| assert_eq!(ask(peer, ours), None, "{way}: gone, and not root"));
    }

    #[test]
    fn which_addresses_are_of_this_machine() {
        for here in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert!(is_here(here.parse().unwrap()), "{here}");
        }
        // For documentation (RFC 5737, RFC 3849): nobody has them.
        assert!(!is_here("192.0.2.1:1".parse().unwrap()));
        assert_eq!(holder("192.0.2.1:1".parse().unwrap(), "192.0.2.2:1".parse().unwrap()), Holder::OtherHost);
    }
}
