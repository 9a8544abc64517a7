//! What a person who looks for a fault wants to know of this machine. Linux.

mod ports;

pub use ports::{Listener, listener_on};

use rustix::fs::statvfs;
use std::fs;
use std::io;
use std::path::Path;

/// How many descriptors a process has, and may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptors {
    /// Open now.
    pub open: u64,
    /// May be open (`ulimit -n`); `None`: unlimited.
    pub limit: Option<u64>,
}

/// The descriptors of process `pid`, which belongs to this user (`/proc/PID/fd`, `/proc/PID/limits`).
///
/// # Errors
/// When it does not run, or belongs to somebody else.
pub fn descriptors(pid: u32) -> io::Result<Descriptors> {
    let open = fs::read_dir(format!("/proc/{pid}/fd"))?.count();
    let limits = fs::read_to_string(format!("/proc/{pid}/limits"))?;
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
    let limit = soft.and_then(|soft| soft.parse().ok());
    Ok(Descriptors { open: u64::try_from(open).unwrap_or(u64::MAX), limit })
}

/// What is left of the file system that holds a path, for a user who is not root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes free.
    pub free_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
    /// Files that may still be created; `None` where the file system has no such limit.
    pub free_files: Option<u64>,
}

/// The space left at `path` (statvfs(3)).
///
/// # Errors
/// When there is no such path, or its file system does not tell.
pub fn space(path: &Path) -> io::Result<Space> {
    let found = statvfs(path)?;
    Ok(Space {
        free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
        total_bytes: found.f_blocks.saturating_mul(found.f_frsize),
        free_files: (found.f_files > 0).then_some(found.f_favail),
    })
}

/// The kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// `6.18.0-1-amd64`
    pub release: String,
    /// Whether it tells the exit code of a process that is not our child: `PIDFD_GET_INFO` with
    /// `PIDFD_INFO_EXIT`, from Linux 6.15 on.
    pub tells_exits_of_strangers: bool,
}

/// The running kernel (uname(2)).
pub fn kernel() -> Kernel {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let tells_exits_of_strangers = version(&release).is_some_and(|version| version >= (6, 15));
    Kernel { release, tells_exits_of_strangers }
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_descriptors_are_counted() {
        let before = descriptors(std::process::id()).unwrap();
        assert!(before.open >= 3 && before.limit.is_none_or(|limit| limit >= before.open), "{before:?}");
        assert!(descriptors(0).is_err());
    }

    #[test]
    fn there_is_space_somewhere() {
        let space = space(&std::env::temp_dir()).unwrap();
        assert!(space.total_bytes >= space.free_bytes, "{space:?}");
    }

    #[test]
    fn kernels_are_compared_by_number() {
        for (release, expected) in
            [("6.18.0-1-amd64", Some((6, 18))), ("6.9-rc1", Some((6, 9))), ("x", None), ("6", None)]
        {
            assert_eq!(version(release), expected, "{release}");
        }
    }
}
