//! Who descends from whom. The system keeps the number of who started a process, also when that is long another's: so a parent
//! counts only if it is not younger than its child.

use super::list::Listed;
use std::collections::{HashMap, HashSet};

/// `seeds` and everything among `processes` that descends from them, in this order: who is found through a parent comes after it.
pub fn with_descendants(processes: &[Listed], seeds: &[Listed]) -> Vec<Listed> {
    let mut children: HashMap<u32, Vec<&Listed>> = HashMap::new();
    for process in processes {
        children.entry(process.parent).or_default().push(process);
    }
    let mut known: HashSet<u32> = seeds.iter().map(|seed| seed.identity.pid).collect();
    let mut family = seeds.to_vec();
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        next += 1;
        let born_later = |child: &&&Listed| child.identity.start_time >= parent.identity.start_time;
        for child in children.get(&parent.identity.pid).into_iter().flatten().filter(born_later) {
            if known.insert(child.identity.pid) {
                family.push(**child);
            }
        }
    }
    family
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::identity::Identity;
    use crate::sys::terms::Usage;

    fn listed(pid: u32, start_time: u64, parent: u32) -> Listed {
        Listed { identity: Identity { pid, start_time }, parent, usage: Usage::default() }
    }

    #[test]
    fn a_younger_process_is_nobodys_parent() {
        let processes = [
            listed(8, 10, 4),
            listed(12, 11, 8),
            listed(16, 12, 12),
            listed(20, 9, 8),
            listed(4, 50, 16),
            listed(24, 11, 12),
        ];
        let family = with_descendants(&processes, &processes[..1]);
        let pids: Vec<u32> = family.iter().map(|process| process.identity.pid).collect();
        assert_eq!(pids, [8, 12, 16, 24, 4], "20 is older than its parent");
    }
}
