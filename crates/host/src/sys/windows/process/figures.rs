//! What a process and its descendants use, read when someone asks.

pub use crate::sys::terms::Figures;

use super::family::with_descendants;
use super::list::{self, Listed};
use crate::process::identity::Identity;
use std::io;

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
    let family = with_descendants(processes, &[*leader]);
    Some(family.iter().map(|process| process.usage).fold(Figures::default(), Figures::plus))
}
