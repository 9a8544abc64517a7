//! What a person who looks for a fault wants to know of this machine.

pub use crate::sys::host::{emulator, host_name, space};
pub use crate::sys::survey::{descriptors, kernel, listener_on};

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

#[cfg(test)]
mod tests {
    use super::*;

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
