//! Whose the other end of a TCP connection is: the table of all connections tells which process holds it
//! (`GetExtendedTcpTable`), and the token of that process its user.

use super::process::open;
use super::users;
use crate::fd::AsFd;
use std::ffi::c_void;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use windows_sys::Win32::Foundation::{ERROR_INSUFFICIENT_BUFFER, NO_ERROR};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GetExtendedTcpTable, MIB_TCP_STATE_CLOSE_WAIT, MIB_TCP_STATE_ESTAB, MIB_TCP_STATE_FIN_WAIT1,
    MIB_TCP_STATE_FIN_WAIT2, MIB_TCP_STATE_LISTEN, MIB_TCP6ROW_OWNER_MODULE, MIB_TCPROW_OWNER_MODULE,
    TCP_TABLE_OWNER_MODULE_ALL,
};
use windows_sys::Win32::Networking::WinSock::{AF_INET, AF_INET6};

/// How often the table is asked for while it grows.
const TRIES: usize = 8;

#[cfg(test)]
type Way = fn(SocketAddr, SocketAddr) -> Option<u32>;

/// Whether it is told whose a connection is that its owner has closed on one side.
#[cfg(test)]
pub fn knows_half_closed(peer: SocketAddr, ours: SocketAddr) -> bool {
    find(peer, ours).is_some_and(|held| held.surely || held.since != 0)
}

/// Each way of asking, by its name.
#[cfg(test)]
pub const WAYS: [(&str, Way); 1] = [("table", owner_of)];

/// See [`crate::peer::owner_of`].
pub fn owner_of(peer: SocketAddr, ours: SocketAddr) -> Option<u32> {
    let held = find(peer, ours)?;
    let process = open::open(held.pid, 0).ok()??;
    // While it is open its number is its own. So it is the one, if the number is still in the table, and not that of
    // one that came to be after the connection.
    let still = find(peer, ours).is_some_and(|now| now.pid == held.pid);
    if !still || !held.may_be_of(open::created(process.as_fd()).ok()?) {
        return None;
    }
    users::of_process(&process).ok()
}

/// A connection in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    pid: u32,
    /// When the socket came to be, in units of 100 ns since 1601; 0 where the system does not tell.
    since: u64,
    /// Whether it is known that a program holds the socket; else it may have closed it, and its number may be another's.
    surely: bool,
}

impl Held {
    fn may_be_of(self, started: u64) -> bool {
        if self.since == 0 { self.surely } else { started <= self.since }
    }
}

fn find(peer: SocketAddr, ours: SocketAddr) -> Option<Held> {
    let wanted = (canonical(peer), canonical(ours));
    let v4 = || rows::<MIB_TCPROW_OWNER_MODULE>(AF_INET).ok()?.iter().find_map(|row| v4(row, wanted));
    let v6 = || rows::<MIB_TCP6ROW_OWNER_MODULE>(AF_INET6).ok()?.iter().find_map(|row| v6(row, wanted));
    // A connection of IPv4 is in the table of IPv6 when its socket is of that family.
    if peer.ip().to_canonical().is_ipv4() { v4().or_else(v6) } else { v6() }
}

/// Who listens on TCP port `wanted`: his user and his number; `None`: nobody, or he is not ours to see.
pub fn listener_on(wanted: u16) -> Option<(u32, u32)> {
    let listens =
        |state: u32, at: u32| i32::try_from(state) == Ok(MIB_TCP_STATE_LISTEN) && port(at) == wanted;
    let v4 = rows::<MIB_TCPROW_OWNER_MODULE>(AF_INET).unwrap_or_default();
    let v6 = rows::<MIB_TCP6ROW_OWNER_MODULE>(AF_INET6).unwrap_or_default();
    let v4 = v4.iter().filter(|row| listens(row.dwState, row.dwLocalPort)).map(|row| row.dwOwningPid);
    let v6 = v6.iter().filter(|row| listens(row.dwState, row.dwLocalPort)).map(|row| row.dwOwningPid);
    let pid = v4.chain(v6).find(|pid| *pid != 0)?;
    Some((users::of_process(&open::open(pid, 0).ok()??).ok()?, pid))
}

type End = (IpAddr, u16);

fn canonical(address: SocketAddr) -> End {
    (address.ip().to_canonical(), address.port())
}

fn v4(row: &MIB_TCPROW_OWNER_MODULE, wanted: (End, End)) -> Option<Held> {
    let end = |address: u32, at: u32| (IpAddr::V4(Ipv4Addr::from(address.to_ne_bytes())), port(at));
    let ends = (end(row.dwLocalAddr, row.dwLocalPort), end(row.dwRemoteAddr, row.dwRemotePort));
    if ends == wanted { held(row.dwState, row.dwOwningPid, row.liCreateTimestamp) } else { None }
}

fn v6(row: &MIB_TCP6ROW_OWNER_MODULE, wanted: (End, End)) -> Option<Held> {
    let end = |address: [u8; 16], at: u32| (IpAddr::V6(Ipv6Addr::from(address)).to_canonical(), port(at));
    let ends = (end(row.ucLocalAddr, row.dwLocalPort), end(row.ucRemoteAddr, row.dwRemotePort));
    if ends == wanted { held(row.dwState, row.dwOwningPid, row.liCreateTimestamp) } else { None }
}

/// The lower half, in the order of the network.
fn port(field: u32) -> u16 {
    let [high, low, ..] = field.to_ne_bytes();
    u16::from_be_bytes([high, low])
}

/// Somebody who takes part in a connection, as far as its state tells (MIB_TCP_STATE).
fn held(state: u32, pid: u32, since: i64) -> Option<Held> {
    let state = i32::try_from(state).ok()?;
    let surely = [MIB_TCP_STATE_ESTAB, MIB_TCP_STATE_CLOSE_WAIT].contains(&state);
    let perhaps = [MIB_TCP_STATE_FIN_WAIT1, MIB_TCP_STATE_FIN_WAIT2].contains(&state);
    let since = u64::try_from(since).unwrap_or(0);
    (pid != 0 && (surely || perhaps)).then_some(Held { pid, since, surely })
}

/// All connections of one family. Each table begins with the number of its rows, then come these, aligned.
fn rows<Row: Copy>(family: u16) -> io::Result<Vec<Row>> {
    let bytes = table(family)?;
    let start: *const u8 = bytes.as_ptr().cast();
    // SAFETY: the system has filled it, and a table has at least its number of rows.
    let count = unsafe { start.cast::<u32>().read() } as usize;
    let first = size_of::<u32>().next_multiple_of(align_of::<Row>());
    let room = size_of_val(bytes.as_slice()).saturating_sub(first) / size_of::<Row>();
    // SAFETY: as many rows as there is room for, each aligned, in memory that is initialised.
    Ok(unsafe { std::slice::from_raw_parts(start.add(first).cast::<Row>(), count.min(room)) }.to_vec())
}

fn table(family: u16) -> io::Result<Vec<u64>> {
    let mut bytes = vec![0_u64; 8 << 10];
    for _ in 0..TRIES {
        let mut length = size_of_val(bytes.as_slice()) as u32;
        let into = bytes.as_mut_ptr().cast::<c_void>();
        // SAFETY: the buffer has the size that is given.
        let error = unsafe {
            GetExtendedTcpTable(into, &raw mut length, 0, u32::from(family), TCP_TABLE_OWNER_MODULE_ALL, 0)
        };
        match error {
            NO_ERROR => return Ok(bytes),
            // With room for those that come meanwhile.
            ERROR_INSUFFICIENT_BUFFER => bytes.resize(length as usize / 4, 0),
            error => return Err(io::Error::from_raw_os_error(error.cast_signed())),
        }
    }
    Err(io::Error::other("the table of connections grows faster than it can be read"))
}
