//! Who listens on a port of this machine.

use crate::survey::Listener;
use crate::sys::process::stat;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Who listens on TCP port `port`, on whatever address (`/proc/net/tcp`, proc_pid_net(5)). `None` when nobody
/// does, or when it cannot be told.
pub fn listener_on(port: u16) -> Option<Listener> {
    let (uid, inode) = ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().find_map(|table| {
        let table = fs::read_to_string(table).ok()?;
        table.lines().skip(1).find_map(|line| socket_on(line, port))
    })?;
    let pid = holder_of(inode);
    let name = pid.and_then(|pid| fs::read_to_string(format!("/proc/{pid}/comm")).ok());
    Some(Listener { uid, pid, name: name.map(|name| name.trim().to_owned()).unwrap_or_default() })
}

/// User and inode of the socket in a line of the table, if it listens on `port`.
fn socket_on(line: &str, port: u16) -> Option<(u32, u64)> {
    /// TCP_LISTEN (include/net/tcp_states.h)
    const LISTEN: &str = "0A";
    let mut fields = line.split_whitespace();
    let local = fields.nth(1)?;
    let state = fields.nth(1)?;
    let found = u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()?;
    if found != port || state != LISTEN {
        return None;
    }
    let uid = fields.nth(3)?.parse().ok()?;
    Some((uid, fields.nth(1)?.parse().ok()?))
}

fn holder_of(inode: u64) -> Option<u32> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let holders = pids.filter(|pid| has_open(*pid, inode));
    eldest(holders.filter_map(|pid| Some((pid, stat::read(pid).ok()??.start_time))))
}

/// The one that began to listen, and not a worker that has it from there, or a child on its way to its exec: numbers begin anew, so
/// that the lowest one is not always the parent's.
fn eldest(holders: impl Iterator<Item = (u32, u64)>) -> Option<u32> {
    holders.min_by_key(|(pid, started)| (*started, *pid)).map(|(pid, _)| pid)
}

fn has_open(pid: u32, inode: u64) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    descriptors.flatten().any(|descriptor| {
        let path = descriptor.path();
        let is_socket = |target: &Path| target.to_string_lossy().starts_with("socket:");
        fs::read_link(&path).is_ok_and(|target| is_socket(&target))
            && fs::metadata(&path).is_ok_and(|metadata| metadata.ino() == inode)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::time::{Duration, Instant};

    #[test]
    fn the_one_who_listens_is_found() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let port = listener.local_addr().unwrap().port();
            let found = listener_on(port).unwrap();
            assert_eq!(found.pid, Some(std::process::id()), "{address}");
            assert_eq!(found.uid, rustix::process::geteuid().as_raw());
            assert!(!found.name.is_empty());
            drop(listener);
            // A child that another test just starts has a copy until its exec.
            let end = Instant::now() + Duration::from_secs(30);
            while listener_on(port).is_some() {
                assert!(Instant::now() < end, "{address}");
                std::thread::yield_now();
            }
        }
    }

    #[test]
    fn of_those_who_have_the_socket_the_eldest_listens() {
        assert_eq!(eldest([(2887, 50), (30_000, 40), (30_001, 40)].into_iter()), Some(30_000));
        assert_eq!(eldest([].into_iter()), None);
    }

    #[test]
    fn a_line_of_the_table() {
        let line = "   0: 0100007F:1631 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0000";
        assert_eq!(socket_on(line, 0x1631), Some((1000, 12345)));
        assert_eq!(socket_on(line, 0x1632), None);
        assert_eq!(socket_on(&line.replace(" 0A ", " 01 "), 0x1631), None);
        assert_eq!(socket_on("nonsense", 1), None);
    }
}
