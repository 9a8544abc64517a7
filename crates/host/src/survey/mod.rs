//! What a person who looks for a fault wants to know of this machine.

pub use crate::sys::host::{emulator, host_name, space};
pub use crate::sys::survey::{descriptors, kernel, listener_on};

use crate::sys::survey::NEEDED;
use std::fmt;
use std::path::Path;

/// How many descriptors a process has, and may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptors {
    /// Open now.
    pub open: u64,
    /// May be open (`ulimit -n`); `None`: unlimited.
    pub limit: Option<u64>,
}

/// Somebody who listens on a TCP port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The user whose socket it is.
    pub uid: u32,
    /// Which process has it open; `None` when it is not ours to see.
    pub pid: Option<u32>,
    /// That process's name.
    pub name: String,
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

/// The kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// `Linux`, `Darwin`
    pub name: String,
    /// `6.18.0-1-amd64`
    pub release: String,
    /// Whether it tells the exit code of a process that is not our child: `PIDFD_GET_INFO` with
    /// `PIDFD_INFO_EXIT`, from Linux 6.15 on.
    pub tells_exits_of_strangers: bool,
}

/// Files of the system without which nothing is started, and that are not there: a bare folder to which somebody has changed
/// the root (chroot(2)) has none.
pub fn missing() -> Vec<&'static str> {
    NEEDED.iter().copied().filter(|path| !Path::new(path).exists()).collect()
}

/// What to do about what [`missing`] tells.
pub const MAKE_MISSING: &str = "mount what holds it, as runtimes of containers do (mount -t proc proc /proc; mknod -m 666 /dev/null c 1 3)";

/// For the end of an error whose cause may be what is [`missing`]; empty when nothing is.
pub(crate) struct MissingHint;

impl fmt::Display for MissingHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match missing().as_slice() {
            [] => Ok(()),
            missing => write!(f, "; there is no {} here: {MAKE_MISSING}", missing.join(", no ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_missing_where_tests_run() {
        assert_eq!((missing(), MissingHint.to_string()), (vec![], String::new()));
    }

    #[test]
    fn our_own_descriptors_are_counted() {
        let before = descriptors(std::process::id()).unwrap();
        if crate::emulated::left_out("it says that no process has any handle") {
            return;
        }
        assert!(before.open >= 3 && before.limit.is_none_or(|limit| limit >= before.open), "{before:?}");
        assert!(descriptors(0).is_err());
    }

    #[test]
    fn there_is_space_somewhere() {
        let space = space(&std::env::temp_dir()).unwrap();
        assert!(space.total_bytes >= space.free_bytes, "{space:?}");
    }
}
