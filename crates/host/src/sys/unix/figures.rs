//! What a process and its descendants use, read when someone asks.

use super::tree;
use crate::process::identity::Identity;
use crate::sys::process::stat;
use crate::sys::process::usage;
use crate::sys::terms::Usage;
use std::io;
use std::time::Duration;

/// The sums over a process and its live descendants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// CPU time used so far, in user and kernel mode. The difference between two readings over the
    /// time between them is the load; it can fall when a descendant ends.
    pub cpu: Duration,
    /// Resident memory in bytes, as top(1) shows it: pages that several processes share count for
    /// each. (Proportional figures cost the kernel a walk over every page of large programs.)
    pub memory_bytes: u64,
    /// How many processes these are.
    pub processes: u32,
}

/// The figures of `leader` and its descendants; `None` when it is gone.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn of_tree(leader: &Identity) -> io::Result<Option<Figures>> {
    of_family(stat::read(leader.pid)?.filter(|stat| stat.identity() == *leader))
}

/// The figures of whatever process has the number `pid` now, and its descendants; `None` when none has it.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn of_tree_of(pid: u32) -> io::Result<Option<Figures>> {
    of_family(stat::read(pid)?)
}

fn of_family(leader: Option<stat::Stat>) -> io::Result<Option<Figures>> {
    let Some(leader) = leader.filter(|stat| !stat.is_dead()) else { return Ok(None) };
    let family = tree::with_descendants(vec![leader])?;
    Ok(Some(family.iter().map(usage::of).fold(Figures::default(), Figures::plus)))
}

impl Figures {
    fn plus(self, used: Usage) -> Self {
        Self {
            cpu: self.cpu + used.cpu,
            memory_bytes: self.memory_bytes.saturating_add(used.memory_bytes),
            processes: self.processes.saturating_add(1),
        }
    }
}
