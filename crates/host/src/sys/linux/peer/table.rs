//! Every connection of this machine, as `/proc/net/tcp` lists them (proc_pid_net(5)).

use super::is_held;
use std::fs;
use std::net::{IpAddr, SocketAddr};

/// See [`super::owner_of`].
pub(super) fn owner_of(peer: SocketAddr, ours: SocketAddr) -> Option<u32> {
    let tables: &[&str] = match peer.ip().to_canonical() {
        IpAddr::V4(_) => &["/proc/net/tcp", "/proc/net/tcp6"],
        IpAddr::V6(_) => &["/proc/net/tcp6"],
    };
    tables.iter().find_map(|table| {
        let table = fs::read_to_string(table).ok()?;
        table.lines().skip(1).find_map(|line| owner_in(line, peer, ours))
    })
}

/// The user of the socket in a line of the table, if it is the one.
fn owner_in(line: &str, peer: SocketAddr, ours: SocketAddr) -> Option<u32> {
    let mut fields = line.split_whitespace();
    let (local, remote) = (socket_of(fields.nth(1)?)?, socket_of(fields.next()?)?);
    if !is_same(local, peer) || !is_same(remote, ours) {
        return None;
    }
    let state = u8::from_str_radix(fields.next()?, 16).ok()?;
    let uid = fields.nth(3)?.parse().ok()?;
    let inode: u64 = fields.nth(1)?.parse().ok()?;
    (is_held(state) && inode != 0).then_some(uid)
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

    #[test]
    fn lines_of_the_table() {
        let peer: SocketAddr = "127.0.0.1:8080".parse().unwrap();
        let ours: SocketAddr = "127.0.0.1:5679".parse().unwrap();
        let line = |addresses: &str, state: &str, uid: &str, inode: &str| {
            format!(
                " 12: {addresses} {state} 00000000:00000000 00:00000000 00000000 {uid} 0 {inode} 1 0000 20 4 30 10 -1"
            )
        };
        let there = "0100007F:1F90 0100007F:162F";
        assert_eq!(owner_in(&line(there, "01", "1000", "77"), peer, ours), Some(1000));
        assert_eq!(owner_in(&line(there, "01", "0", "0"), peer, ours), None, "closed");
        assert_eq!(owner_in(&line(there, "02", "0", "7"), peer, ours), None, "somebody who would like to");
        assert_eq!(
            owner_in(&line("0100007F:162F 0100007F:1F90", "01", "0", "5"), peer, ours),
            None,
            "our own end"
        );
        let mapped = "0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000100007F:162F";
        assert_eq!(owner_in(&line(mapped, "01", "1000", "77"), peer, ours), Some(1000));
        for nonsense in ["", "a b c", "1: 0100007F:1F90", "1: x:y z:w 01 0 0 0 0 0 0"] {
            assert_eq!(owner_in(nonsense, peer, ours), None, "{nonsense}");
        }
        if cfg!(target_endian = "little") {
            assert_eq!(socket_of("00000000000000000000000001000000:0050"), Some("[::1]:80".parse().unwrap()));
        }
    }
}
