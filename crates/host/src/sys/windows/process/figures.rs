//! What a process and its descendants use, read when someone asks.

use super::family::with_descendants;
use super::list::{self, Listed};
use crate::process::identity::Identity;
use std::io;
use std::time::Duration;

/// The sums over a process and its live descendants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// CPU time used so far, in user and kernel mode. The difference between two readings over the
    /// time between them is the load; it can fall when a descendant ends.
    pub cpu: Duration,
    /// Their working sets in bytes, as the Task Manager's "Memory (active working set)" shows them and shared pages besides: pages
    /// that several processes share count for each.
    pub memory_bytes: u64,
    /// How many processes these are.
    pub processes: u32,
}

/// The figures of `leader` and its descendants; `None` when it is gone.
///
/// # Errors
/// When the system does not list its processes.
pub fn of_tree(leader: &Identity) -> io::Result<Option<Figures>> {
    Ok(of_family(&list::recent()?, |process| process.identity == *leader))
}

/// The figures of whatever process has the number `pid` now, and its descendants; `None` when none has it.
///
/// # Errors
/// When the system does not list its processes.
pub fn of_tree_of(pid: u32) -> io::Result<Option<Figures>> {
    Ok(of_family(&list::recent()?, |process| process.identity.pid == pid))
}

fn of_family(processes: &[Listed], is_leader: impl Fn(&Listed) -> bool) -> Option<Figures> {
    let leader = processes.iter().find(|process| is_leader(process))?;
    Some(with_descendants(processes, &[*leader]).iter().fold(Figures::default(), Figures::plus))
}

impl Figures {
    fn plus(self, process: &Listed) -> Self {
        Self {
            cpu: self.cpu + process.usage.cpu,
            memory_bytes: self.memory_bytes.saturating_add(process.usage.memory_bytes),
            processes: self.processes.saturating_add(1),
        }
    }
}
