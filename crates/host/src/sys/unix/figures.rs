//! What a process and its descendants use, read when someone asks.

pub use crate::sys::terms::Figures;

use super::tree;
use crate::process::identity::Identity;
use crate::sys::process::stat;
use crate::sys::process::usage;
use std::io;

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
