//! Whose the other end of a TCP connection is: the sockets of all processes that we may look at are looked at (sys/proc_info.h).
//! Without being root these are those of our own user, which is the one that matters.

use super::process::stat;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Whether it is told whose a connection is that its owner has closed on one side.
#[cfg(test)]
pub fn knows_half_closed(_peer: SocketAddr, _ours: SocketAddr) -> bool {
    true
}

/// Each way of asking, by its name.
#[cfg(test)]
pub const WAYS: [(&str, fn(SocketAddr, SocketAddr) -> Option<u32>); 1] = [("processes", owner_of)];

/// `PROC_PIDFDSOCKETINFO`, what of it is `PROX_FDTYPE_SOCKET`, and the size of `struct socket_fdinfo`.
const SOCKET_INFO: libc::c_int = 3;
const IS_SOCKET: u32 = 2;
const SIZE: usize = 792;

/// Where in `struct socket_fdinfo` are `soi_kind` (`SOCKINFO_TCP`), and in its `tcp_sockinfo` both ports (in the order of
/// the network), which versions of IP it speaks (`INI_IPV4`), both addresses and the state.
const KIND: usize = 24 + 232;
const TCP: i32 = 2;
const FOREIGN_PORT: usize = 24 + 240;
const OWN_PORT: usize = FOREIGN_PORT + 4;
const VERSIONS: usize = FOREIGN_PORT + 24;
const IPV4: u8 = 1;
const FOREIGN_ADDRESS: usize = FOREIGN_PORT + 32;
const OWN_ADDRESS: usize = FOREIGN_PORT + 48;
const STATE: usize = FOREIGN_PORT + 80;

/// `TSI_S_ESTABLISHED`, `TSI_S__CLOSE_WAIT`, `TSI_S_FIN_WAIT_1`, `TSI_S_FIN_WAIT_2`: a program holds the socket and has
/// taken part in the beginning of its connection.
const HELD: [i32; 4] = [4, 5, 6, 9];

/// See [`crate::peer::owner_of`].
pub fn owner_of(peer: SocketAddr, ours: SocketAddr) -> Option<u32> {
    let wanted = (canonical(peer), canonical(ours));
    let pids = stat::all_pids().ok()?;
    let holder = pids.into_iter().find(|pid| has(*pid, wanted))?;
    stat::read(holder).ok()?.filter(|holder| !holder.is_dead()).map(|holder| holder.uid)
}

type Ends = ((IpAddr, u16), (IpAddr, u16));

fn canonical(address: SocketAddr) -> (IpAddr, u16) {
    (address.ip().to_canonical(), address.port())
}

fn has(pid: u32, wanted: Ends) -> bool {
    let Ok(pid) = libc::c_int::try_from(pid) else { return false };
    sockets(pid).into_iter().any(|descriptor| ends(pid, descriptor) == Some(wanted))
}

fn sockets(pid: libc::c_int) -> Vec<libc::c_int> {
    // SAFETY: no buffer is given: it tells how large one has to be.
    let needed = unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDLISTFDS, 0, std::ptr::null_mut(), 0) };
    let count = usize::try_from(needed).unwrap_or(0) / size_of::<libc::proc_fdinfo>();
    let mut list = vec![libc::proc_fdinfo { proc_fd: 0, proc_fdtype: 0 }; count];
    let Ok(room) = libc::c_int::try_from(size_of_val(list.as_slice())) else { return Vec::new() };
    // SAFETY: the buffer has the size that is given.
    let used = unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDLISTFDS, 0, list.as_mut_ptr().cast(), room) };
    list.truncate(usize::try_from(used).unwrap_or(0) / size_of::<libc::proc_fdinfo>());
    list.into_iter().filter(|entry| entry.proc_fdtype == IS_SOCKET).map(|entry| entry.proc_fd).collect()
}

/// Both ends of a connection that `pid` holds as `descriptor`: its own first.
fn ends(pid: libc::c_int, descriptor: libc::c_int) -> Option<Ends> {
    let mut info = [0_u8; SIZE];
    // SAFETY: the buffer has the size that is given.
    let filled = unsafe {
        libc::proc_pidfdinfo(pid, descriptor, SOCKET_INFO, info.as_mut_ptr().cast(), SIZE as libc::c_int)
    };
    if usize::try_from(filled) != Ok(SIZE) { None } else { ends_in(&info) }
}

fn ends_in(info: &[u8; SIZE]) -> Option<Ends> {
    let number = |at: usize| info.get(at..at + 4)?.try_into().ok().map(i32::from_ne_bytes);
    if number(KIND)? != TCP || !HELD.contains(&number(STATE)?) {
        return None;
    }
    let is_ipv4 = info.get(VERSIONS)? & IPV4 != 0;
    let end = |address: usize, port: usize| {
        let bytes: [u8; 16] = info.get(address..address + 16)?.try_into().ok()?;
        let [.., a, b, c, d] = bytes;
        let address = match is_ipv4 {
            true => IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
            false => IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical(),
        };
        let port: [u8; 2] = info.get(port..port + 2)?.try_into().ok()?;
        Some((address, u16::from_be_bytes(port)))
    };
    Some((end(OWN_ADDRESS, OWN_PORT)?, end(FOREIGN_ADDRESS, FOREIGN_PORT)?))
}
