//! Who is whose child, from the kernel's own lists: `/proc/PID/task/TID/children` (proc_pid_task(5)),
//! in time that depends on the number of children only. A list may miss a child while others of it end,
//! so who must be certain looks again when those are gone.

use crate::process::linux::stat::{self, Stat};
use std::fs;
use std::io;

/// The children of one thread, dead ones included.
pub fn of_thread(pid: u32, thread: u32) -> io::Result<Vec<u32>> {
    let list = match fs::read_to_string(format!("/proc/{pid}/task/{thread}/children")) {
        Ok(list) => list,
        Err(gone) if stat::is_gone(&gone) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    Ok(list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect())
}

/// The children of every thread of `pid`, dead ones included; none when it is gone.
pub fn of(pid: u32) -> io::Result<Vec<u32>> {
    let threads = match fs::read_dir(format!("/proc/{pid}/task")) {
        Ok(threads) => threads,
        Err(gone) if stat::is_gone(&gone) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut children = Vec::new();
    for thread in threads {
        let name = match thread {
            Ok(thread) => thread.file_name(),
            Err(gone) if stat::is_gone(&gone) => break,
            Err(error) => return Err(error),
        };
        if let Some(thread) = name.to_str().and_then(|name| name.parse().ok()) {
            children.extend(of_thread(pid, thread)?);
        }
    }
    Ok(children)
}

/// Whether this kernel has such lists (`CONFIG_PROC_CHILDREN`).
pub fn are_listed() -> bool {
    let me = std::process::id();
    fs::metadata(format!("/proc/{me}/task/{me}/children")).is_ok()
}

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
