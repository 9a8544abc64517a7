//! Who descends from whom, in time that depends on the number of descendants only where the system lists children.

use crate::sys::process::children::of;
use crate::sys::process::stat::{self, Stat};
use std::io;

/// `seeds` and everything that descends from them, dead ones included, in this order: who is found
/// through a parent comes after it.
pub fn with_descendants(seeds: Vec<Stat>) -> io::Result<Vec<Stat>> {
    let mut family = seeds;
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        next += 1;
        let children = proven_children(&parent)?;
        let new = |child: &Stat| !family.iter().any(|known| known.identity() == child.identity());
        let children: Vec<Stat> = children.into_iter().filter(new).collect();
        family.extend(children);
    }
    Ok(family)
}

/// The children that `parent` itself has, and not another process that got its number meanwhile.
fn proven_children(parent: &Stat) -> io::Result<Vec<Stat>> {
    let mut children = Vec::new();
    for pid in of(parent.pid)? {
        children.extend(stat::read(pid)?.filter(|child| child.ppid == parent.pid));
    }
    if children.is_empty() || !is_still(parent)? {
        return Ok(Vec::new());
    }
    Ok(children)
}

/// Whether the number of `process` is still its own: what was read of it just before was its own too.
pub fn is_still(process: &Stat) -> io::Result<bool> {
    Ok(stat::read(process.pid)?.is_some_and(|now| now.identity() == process.identity()))
}
