//! All processes of the machine: for runs that are not our children, whose orphans fall to others.
//! Who asks while one is being taken gets the next one, together with all others who asked meanwhile.

use super::descend::is_still;
use crate::sys::process::stat::{self, Stat};
use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// The processes as they were read, one after the other.
#[derive(Default)]
pub struct Snapshot {
    pub processes: Vec<Stat>,
    children: HashMap<u32, Vec<Stat>>,
}

impl Snapshot {
    fn take() -> io::Result<Self> {
        let mut snapshot = Self::default();
        for pid in stat::all_pids()? {
            let Some(stat) = stat::read(pid)? else { continue };
            snapshot.processes.push(stat);
            snapshot.children.entry(stat.ppid).or_default().push(stat);
        }
        Ok(snapshot)
    }

    /// `seeds` and everything that descends from them.
    pub fn with_descendants(&self, seeds: Vec<Stat>) -> io::Result<Vec<Stat>> {
        let mut known: HashSet<u32> = seeds.iter().map(|stat| stat.pid).collect();
        let mut family = seeds;
        let mut next = 0;
        while let Some(parent) = family.get(next).copied() {
            next += 1;
            let Some(children) = self.children.get(&parent.pid) else { continue };
            // The parent may have been read before and its number given away since.
            if is_still(&parent)? {
                family.extend(children.iter().filter(|child| known.insert(child.pid)));
            }
        }
        Ok(family)
    }
}

/// Shares snapshots among those who ask at the same time.
#[derive(Default)]
pub struct Snapshots {
    progress: Mutex<Progress>,
    changed: Condvar,
}

#[derive(Default)]
struct Progress {
    begun: u64,
    taken: u64,
    running: bool,
    latest: Arc<Snapshot>,
}

impl Snapshots {
    /// A snapshot that was begun after this call.
    pub fn fresh(&self) -> io::Result<Arc<Snapshot>> {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = progress.begun + 1;
        while progress.taken < wanted && progress.running {
            progress = self.changed.wait(progress).unwrap_or_else(PoisonError::into_inner);
        }
        if progress.taken >= wanted {
            return Ok(progress.latest.clone());
        }
        progress.running = true;
        progress.begun += 1;
        let number = progress.begun;
        drop(progress);
        let taken = Snapshot::take().map(Arc::new);
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.running = false;
        if let Ok(snapshot) = &taken {
            progress.taken = number;
            progress.latest = snapshot.clone();
        }
        drop(progress);
        self.changed.notify_all();
        taken
    }
}
