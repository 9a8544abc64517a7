//! Killing a tree until nothing of it is left.

use super::{KillOutcome, Reaper, TreeQuery};
use crate::process::Process;
use crate::process::identity::Identity;
use crate::sys::process::stat;
use process_monitor_core::model::StopSignal;
use std::io;
use std::ops::Deref;
use std::time::Instant;

impl Reaper {
    /// Kills the leader, if it lives, and all that belongs to it with SIGKILL, and waits for their
    /// end until `deadline`. Orphans are reaped, the leader is left to [`Process::try_exit`].
    ///
    /// Members are looked for again after each round, because one may have forked while it was killed.
    ///
    /// # Errors
    /// When `/proc` cannot be read or out of descriptors; some may then have been killed.
    pub fn kill_tree(&self, query: &TreeQuery<'_>, deadline: Instant) -> io::Result<KillOutcome> {
        let mut outcome = KillOutcome::default();
        loop {
            let members = self.members(query)?;
            let targets: Vec<Identity> =
                members.into_iter().filter(|member| !outcome.survivors.contains(member)).collect();
            if targets.is_empty() {
                return Ok(outcome);
            }
            if !outcome.killed.is_empty() && Instant::now() >= deadline {
                outcome.survivors.extend(targets);
                return Ok(outcome);
            }
            kill_group(query);
            kill_each(&targets, query, &mut outcome)?;
            await_each(&targets, query, deadline, &mut outcome)?;
            self.reap_each(&targets, query)?;
        }
    }

    /// When all are dead, those whose parent was among them are ours.
    fn reap_each(&self, targets: &[Identity], query: &TreeQuery<'_>) -> io::Result<()> {
        for target in targets.iter().filter(|target| **target != query.leader) {
            if let Some(orphan) = stat::read(target.pid)?.filter(|stat| stat.identity() == *target) {
                // It is ours and its end was awaited; a survivor is reaped when it dies.
                if orphan.is_dead() && orphan.ppid == std::process::id() {
                    self.reap(&orphan);
                }
            }
        }
        Ok(())
    }
}

/// All of the group at one moment, which forks cannot outrun. Members that may not be signalled, or an
/// empty group, are found out one by one.
fn kill_group(query: &TreeQuery<'_>) {
    if let Some(Err(error)) = query.process.map(|leader| leader.signal_group(StopSignal::Kill)) {
        tracing::debug!("cannot kill the group of {}: {error}", query.leader);
    }
}

fn kill_each(targets: &[Identity], query: &TreeQuery<'_>, outcome: &mut KillOutcome) -> io::Result<()> {
    for target in targets {
        let Some(process) = hold(target, query)? else { continue };
        match process.signal(StopSignal::Kill) {
            Ok(_) => {}
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => {
                outcome.survivors.insert(*target);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A process of the tree, as it is held already or taken hold of for the moment.
enum Held<'a> {
    Already(&'a Process),
    Now(Process),
}

impl Deref for Held<'_> {
    type Target = Process;

    fn deref(&self) -> &Process {
        match self {
            Self::Already(process) => process,
            Self::Now(process) => process,
        }
    }
}

/// Takes hold of `target`. Not of the leader once more: who holds that is the one to reap it.
fn hold<'a>(target: &Identity, query: &TreeQuery<'a>) -> io::Result<Option<Held<'a>>> {
    match query.process.filter(|leader| leader.identity() == *target) {
        Some(leader) => Ok(Some(Held::Already(leader))),
        None => Ok(Process::adopt(target)?.map(Held::Now)),
    }
}

/// They die side by side, so waiting for one after the other takes no longer.
fn await_each(
    targets: &[Identity],
    query: &TreeQuery<'_>,
    deadline: Instant,
    outcome: &mut KillOutcome,
) -> io::Result<()> {
    for target in
        targets.iter().filter(|target| !outcome.survivors.contains(target)).copied().collect::<Vec<_>>()
    {
        let ended = match hold(&target, query)? {
            Some(process) => process.wait(Some(deadline.saturating_duration_since(Instant::now())))?,
            None => true,
        };
        outcome.note(target, ended);
    }
    Ok(())
}
