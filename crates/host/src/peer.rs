//! Who holds the other end of a TCP connection within this machine.

use std::fs;
use std::net::{IpAddr, SocketAddr};

/// The user whose socket `peer` is, which is connected to our socket `ours` on this machine
/// (`/proc/net/tcp`, proc_pid_net(5)). `None` when there is no such socket, when nobody holds it any more, or when the system
/// does not tell.
///
/// Asked when a connection has just been taken, the answer holds for as long as it stands: the pair of
/// addresses belongs to this connection, and so to the one socket at its other end. A socket that its
/// program has closed already has no inode, and its user reads as 0: that must never be taken for root.
pub fn owner_of(peer: SocketAddr, ours: SocketAddr) -> Option<u32> {
    let tables: &[&str] = match peer {
        SocketAddr::V4(_) => &["/proc/net/tcp", "/proc/net/tcp6"],
        SocketAddr::V6(_) => &["/proc/net/tcp6"],
    };
    tables.iter().find_map(|table| {
        let table = fs::read_to_string(table).ok()?;
        table.lines().skip(1).find_map(|line| owner_in(line, peer, ours))
    })
}

/// The user as whom this process acts (geteuid(2)).
pub fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The user of the socket in a line of the table, if it is the one.
fn owner_in(line: &str, peer: SocketAddr, ours: SocketAddr) -> Option<u32> {
    let mut fields = line.split_whitespace();
    let (local, remote) = (socket_of(fields.nth(1)?)?, socket_of(fields.next()?)?);
    if !is_same(local, peer) || !is_same(remote, ours) {
        return None;
    }
    let uid = fields.nth(4)?.parse().ok()?;
    let inode: u64 = fields.nth(1)?.parse().ok()?;
    (inode != 0).then_some(uid)
}

fn is_same(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port() && one.ip().to_canonical() == other.ip().to_canonical()
}

/// `0100007F:1F90`: the address in words of four bytes, each in the machine's order; the port.
fn socket_of(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.rsplit_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = [0; 16];
    let words = address.len() / 8;
    if !address.len().is_multiple_of(8) || words > 4 {
        return None;
    }
    for (n, place) in bytes.chunks_exact_mut(4).take(words).enumerate() {
        let word = u32::from_str_radix(address.get(n * 8..n * 8 + 8)?, 16).ok()?;
        place.copy_from_slice(&word.to_ne_bytes());
    }
    let ip = match words {
        1 => IpAddr::from(<[u8; 4]>::try_from(bytes.get(..4)?).ok()?),
        4 => IpAddr::from(bytes),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};
    use std::process::{Command, Stdio};

    #[test]
    fn we_are_found_as_ourselves() {
        let me = rustix::process::geteuid().as_raw();
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (taken, peer) = listener.accept().unwrap();
            let ours = taken.local_addr().unwrap();
            assert_eq!(owner_of(peer, ours), Some(me), "{address}");
            // The other way round it is our own end, which nobody asks about.
            assert_eq!(owner_of(SocketAddr::new(peer.ip(), peer.port() ^ 1), ours), None);
            drop(client);
            // Closed by its program, while the connection still stands on our side.
            assert_eq!(owner_of(peer, ours), None, "{address}");
        }
    }

    #[test]
    fn another_user_is_found_as_himself() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let connect = "import os, socket, sys; os.setuid(4711); s = socket.socket(); \
                       s.connect(('127.0.0.1', int(sys.argv[1]))); sys.stdin.read()";
        let mut command = Command::new("python3");
        let mut child =
            command.args(["-c", connect, &port.to_string()]).stdin(Stdio::piped()).spawn().unwrap();
        let (mut taken, peer) = listener.accept().unwrap();
        assert_eq!(owner_of(peer, taken.local_addr().unwrap()), Some(4711));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(taken.read(&mut [0]).unwrap(), 0);
        assert_eq!(owner_of(peer, taken.local_addr().unwrap()), None, "he is gone, and is not root");
    }

    #[test]
    fn lines_of_the_table() {
        let peer: SocketAddr = "127.0.0.1:8080".parse().unwrap();
        let ours: SocketAddr = "127.0.0.1:5679".parse().unwrap();
        let line = |addresses: &str, uid: &str, inode: &str| {
            format!(
                " 12: {addresses} 01 00000000:00000000 00:00000000 00000000 {uid} 0 {inode} 1 0000 20 4 30 10 -1"
            )
        };
        let there = "0100007F:1F90 0100007F:162F";
        assert_eq!(owner_in(&line(there, "1000", "77"), peer, ours), Some(1000));
        assert_eq!(owner_in(&line(there, "0", "0"), peer, ours), None, "closed");
        assert_eq!(owner_in(&line("0100007F:162F 0100007F:1F90", "0", "5"), peer, ours), None, "our own end");
        let mapped = "0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000100007F:162F";
        assert_eq!(owner_in(&line(mapped, "1000", "77"), peer, ours), Some(1000));
        for nonsense in ["", "a b c", "1: 0100007F:1F90", "1: x:y z:w 01 0 0 0 0 0 0"] {
            assert_eq!(owner_in(nonsense, peer, ours), None, "{nonsense}");
        }
        if cfg!(target_endian = "little") {
            assert_eq!(socket_of("00000000000000000000000001000000:0050"), Some("[::1]:80".parse().unwrap()));
        }
    }
}
