//! What shows that a process belongs to a run.
//!
//! A process that is not the leader and descends from no member belongs to a run if it is not older
//! than the leader, and
//!
//! 1. its environment carries the run's id. Programs inherit it through forks, daemons and execs; some
//!    overwrite it (nginx and others that change their title), so its absence shows nothing, but
//!    another run's id shows that it belongs there. Of processes that are not our orphans only those
//!    of our own user count, because anyone can set an environment. Or
//! 2. its session or group has the leader's number, if that number is still the run's: see
//!    [`NumberTrust`]. Or
//! 3. its output goes to the run's FIFOs, which lie in a folder that others cannot enter: descriptor 1
//!    or 2 is one of them. The monitor and the logger have them open under other numbers.

use super::TreeQuery;
use crate::process::Identity;
use crate::process::spawn::RUN_ID_VARIABLE;
use crate::sys::process::descriptors::{FileId, file_id, file_of};
use crate::sys::process::environment::{environment, is_of_our_user};
use crate::sys::process::stat::{self, Stat};
use std::io;

/// Whose session or group number proves that they belong to the run.
///
/// The kernel gives a number away only when no process, group and session has it. So it is the run's
/// as long as the leader is there, if only as a zombie, or a descriptor of the leader still reaches
/// members of its group. When the leader is gone and we were its parent, those who became our orphans
/// can have the number from the run, or from one of our own later runs, whose id would be in their
/// environment. After a downtime of the monitor neither holds: the number may be anyone's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberTrust {
    /// Everyone who has it.
    Everyone,
    /// Our orphans.
    OurOrphans,
    /// Nobody.
    Nobody,
}

impl NumberTrust {
    /// How far the number of the leader can be trusted now.
    pub fn of(query: &TreeQuery<'_>) -> io::Result<Self> {
        match stat::read(query.leader.pid)? {
            Some(stat) if stat.identity() == query.leader => return Ok(Self::Everyone),
            // Given away: then nobody of ours has it any more.
            Some(_) => return Ok(Self::Nobody),
            None => {}
        }
        let Some(leader) = query.process else { return Ok(Self::Nobody) };
        Ok(match leader.is_group_empty()? {
            false => Self::Everyone,
            true if leader.is_child() => Self::OurOrphans,
            true => Self::Nobody,
        })
    }
}

/// The facts of a run against which processes are held.
pub struct Evidence<'a> {
    query: &'a TreeQuery<'a>,
    trust: NumberTrust,
    outputs: Vec<FileId>,
    live_main: Option<Identity>,
    me: u32,
}

impl<'a> Evidence<'a> {
    /// Gathers the facts of the run in question.
    pub fn gather(query: &'a TreeQuery<'a>) -> io::Result<Self> {
        let live_main = match query.main {
            Some(main) => stat::read(main.pid)?.map(|stat| stat.identity()).filter(|found| *found == main),
            None => None,
        };
        let (trust, outputs) = (NumberTrust::of(query)?, outputs(query).collect());
        Ok(Self { query, trust, outputs, live_main, me: std::process::id() })
    }

    /// Whether `stat` belongs to the run by itself, whoever its parent is. `marker` is asked for the run
    /// id in its environment only if it matters.
    pub fn proves(&self, stat: &Stat, marker: impl FnOnce() -> Option<String>) -> bool {
        if stat.pid == self.me || stat.start_time < self.query.leader.start_time {
            return false;
        }
        if stat.identity() == self.query.leader || Some(stat.identity()) == self.query.main {
            return true;
        }
        let our_orphan = stat.ppid == self.me;
        match marker() {
            Some(run) => run == self.query.run.as_str() && (our_orphan || is_of_our_user(stat.pid)),
            None => self.has_trusted_number(stat, our_orphan) || self.writes_to_outputs(stat.pid),
        }
    }

    fn has_trusted_number(&self, stat: &Stat, our_orphan: bool) -> bool {
        let number = self.query.leader.pid;
        let trusted = match self.trust {
            NumberTrust::Everyone => true,
            NumberTrust::OurOrphans => our_orphan,
            NumberTrust::Nobody => false,
        };
        let of_leader = trusted && (stat.session == number || stat.pgrp == number);
        // Its number is the run's as long as it is there.
        let of_main = |main: Identity| stat.session == main.pid || stat.pgrp == main.pid;
        of_leader || self.live_main.is_some_and(of_main)
    }

    fn writes_to_outputs(&self, pid: u32) -> bool {
        if self.outputs.is_empty() {
            return false;
        }
        let has: Vec<FileId> = [1, 2].into_iter().filter_map(|descriptor| file_of(pid, descriptor)).collect();
        // Looked at twice, because they may serve the next run meanwhile ([`crate::stock`]), and this one be its program.
        has.iter().any(|file| self.outputs.contains(file))
            && outputs(self.query).any(|now| has.contains(&now))
    }
}

/// The run's FIFOs, as far as they are there.
fn outputs(query: &TreeQuery<'_>) -> impl Iterator<Item = FileId> {
    query.outputs.iter().filter_map(|path| file_id(path))
}

/// The run id in the environment of `pid`, if it has one and shows it to us.
pub fn marker(pid: u32) -> Option<String> {
    let environment = environment(pid)?;
    let variable = environment
        .split(|&byte| byte == 0)
        .find_map(|variable| variable.strip_prefix(RUN_ID_VARIABLE.as_bytes())?.strip_prefix(b"="))?;
    Some(String::from_utf8_lossy(variable).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn an_exec_does_not_hide_the_marker() {
        let mut unseen = 0;
        for _ in 0..300 {
            let mut command = Command::new("sh");
            command.args(["-c", "exec cat"]).stdin(Stdio::piped()).env(RUN_ID_VARIABLE, "r1");
            let mut child = command.spawn().unwrap();
            // Its first exec is just ending, the second is about to come.
            unseen += (0..20).filter(|_| marker(child.id()).is_none()).count();
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert_eq!(unseen, 0, "looks that did not see it");
    }

    #[test]
    fn who_has_no_marker_is_seen_to_have_none() {
        assert_eq!(marker(1), None);
        assert_eq!(marker(u32::MAX), None);
        assert_eq!(marker(2), None, "a thread of the kernel, or nobody");
    }
}
