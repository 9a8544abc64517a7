//! What belongs to a run beside its leader, and killing all of it.
//!
//! Whatever a program starts is in the run's job, which nobody leaves ([`super::job`]). When the job can no longer be found by its
//! name, as the leader ended while no monitor was there, those are looked for who carry the run's id in their environment, with
//! what descends from them and from the leader.
//!
//! The host of the console that the system has made for the program is in the job as well, where the system does it so, and ends
//! with the last who uses it: it is killed with the others, and is no member.
//!
//! Not of the tree is what a program has others start for it: the task scheduler, the service control manager, WMI.

pub use crate::sys::terms::{KillOutcome, TreeQuery};

use super::handle::Process;
use super::job::{self, Job};
use super::list::{self, Listed};
use super::{console, environment, family, open};
use crate::fd::AsFd;
use crate::process::identity::Identity;
use crate::process::spawn::RUN_ID_VARIABLE;
use process_monitor_core::id::RunId;
use process_monitor_core::model::StopSignal;
use std::io;
use std::time::{Duration, Instant};

/// How long one is waited for that we may not end: it may be ending already.
const ENDING: Duration = Duration::from_secs(2);

/// Who kills trees. One per monitor; may be shared by threads.
#[derive(Debug, Default)]
pub struct Reaper;

impl Reaper {
    /// Nothing has to be prepared: orphans stay in their job.
    ///
    /// # Errors
    /// None.
    pub fn become_subreaper() -> io::Result<Self> {
        Ok(Self)
    }

    /// Orphans are not looked for among the children, so nobody needs to be expected there.
    pub fn expect(&self, _pid: u32) {}

    /// See [`Reaper::expect`].
    pub fn reaped(&self, _pid: u32) {}

    /// The live members of the run's tree, except its leader. After the death of a leader: what it left.
    ///
    /// # Errors
    /// When the job or the processes cannot be looked at.
    pub fn leftover(&self, query: &TreeQuery<'_>) -> io::Result<Vec<Identity>> {
        let mut members = members(query)?;
        members.retain(|member| *member != query.leader);
        Ok(members)
    }

    /// Whether something may be left after the exit of a leader: one look at its job, or yes.
    ///
    /// # Errors
    /// When the job cannot be looked at.
    pub fn may_have_left(&self, query: &TreeQuery<'_>) -> io::Result<bool> {
        match query.process.and_then(Process::job) {
            Some(job) => Ok(in_job(job)?.iter().any(|member| *member != query.leader)),
            None => Ok(true),
        }
    }

    /// Takes hold of `pid` if that is a live member of the run's tree and of our own user: what a program says
    /// of itself is not believed without that.
    ///
    /// # Errors
    /// When the job or the processes cannot be looked at.
    pub fn vouch(&self, query: &TreeQuery<'_>, pid: u32) -> io::Result<Option<Process>> {
        let member = members(query)?.into_iter().find(|member| member.pid == pid);
        match member.filter(|member| environment::is_of_our_user(member.pid)) {
            Some(member) => Process::adopt(&member),
            None => Ok(None),
        }
    }

    /// Nobody waits to be reaped.
    ///
    /// # Errors
    /// None.
    pub fn reap_orphans(&self, _managed: impl Fn(&Identity) -> bool) -> io::Result<usize> {
        Ok(0)
    }

    /// Kills the leader, if it lives, and all that belongs to it, and waits for their end until `deadline`.
    ///
    /// Members are looked for again after each round, because where there is no job one may have started another meanwhile.
    ///
    /// # Errors
    /// When the job or the processes cannot be looked at; some may then have been killed.
    pub fn kill_tree(&self, query: &TreeQuery<'_>, deadline: Instant) -> io::Result<KillOutcome> {
        let mut outcome = KillOutcome::default();
        loop {
            let members = members(query)?;
            let targets: Vec<Identity> =
                members.into_iter().filter(|member| !outcome.survivors.contains(member)).collect();
            if targets.is_empty() {
                return Ok(outcome);
            }
            if !outcome.killed.is_empty() && Instant::now() >= deadline {
                outcome.survivors.extend(targets);
                return Ok(outcome);
            }
            kill_round(&targets, query, deadline, &mut outcome)?;
        }
    }
}

fn kill_round(
    targets: &[Identity],
    query: &TreeQuery<'_>,
    deadline: Instant,
    outcome: &mut KillOutcome,
) -> io::Result<()> {
    let held: Vec<(Identity, Option<Process>)> =
        targets.iter().map(|target| Ok((*target, Process::hold(target)?))).collect::<io::Result<_>>()?;
    // All at one moment; whoever is not in it, or where there is none, one by one.
    if let Some(job) = job_of(query)? {
        job.job().kill()?;
    }
    for (target, process) in held {
        let ended = match &process {
            Some(process) => kill(process, deadline)?,
            None => true,
        };
        outcome.note(target, ended);
    }
    Ok(())
}

/// `false` when it does not end in time, or we may not end it. That is also said of one that is just ending.
fn kill(process: &Process, deadline: Instant) -> io::Result<bool> {
    let left = deadline.saturating_duration_since(Instant::now());
    match process.signal(StopSignal::Kill) {
        Err(refused) if open::is_refused(&refused) => process.wait(Some(left.min(ENDING))),
        other => other.and_then(|_| process.wait(Some(left))),
    }
}

/// The live members of the tree.
fn members(query: &TreeQuery<'_>) -> io::Result<Vec<Identity>> {
    let mut members = match job_of(query)? {
        Some(job) => in_job(job.job())?,
        None => by_their_marks(query)?,
    };
    if let Some(main) = query.main
        && !members.contains(&main)
        && main.is_alive()?
    {
        members.push(main);
    }
    Ok(members)
}

/// The job of the run, as it is held already or found just now.
enum Found<'a> {
    Held(&'a Job),
    Opened(Job),
}

impl Found<'_> {
    fn job(&self) -> &Job {
        match self {
            Self::Held(job) => job,
            Self::Opened(job) => job,
        }
    }
}

fn job_of<'a>(query: &TreeQuery<'a>) -> io::Result<Option<Found<'a>>> {
    let held = query.process.and_then(Process::job).filter(|job| job.run() == query.run);
    match held {
        Some(job) => Ok(Some(Found::Held(job))),
        None => Ok(Job::open(query.run)?.map(Found::Opened)),
    }
}

fn in_job(job: &Job) -> io::Result<Vec<Identity>> {
    let mut members = Vec::new();
    for pid in job.pids()? {
        // Windows asks for no more than a look, which is all that is permitted of some.
        let Some(process) = open::open_or_look(pid, job::TO_ASK)? else { continue };
        // Its number may have become another's since the job listed it.
        if !open::has_ended(process.as_fd())?
            && job.contains(process.as_fd())?
            && !console::is_host(process.as_fd())
        {
            members.push(open::identity(process.as_fd())?);
        }
    }
    Ok(members)
}

fn by_their_marks(query: &TreeQuery<'_>) -> io::Result<Vec<Identity>> {
    let me = std::process::id();
    let processes = list::all()?;
    let proves = |process: &&Listed| {
        let identity = process.identity;
        identity == query.leader
            || (identity.start_time >= query.leader.start_time
                && identity.pid != me
                && carries(identity.pid, query.run))
    };
    let seeds: Vec<Listed> = processes.iter().filter(proves).copied().collect();
    let family = family::with_descendants(&processes, &seeds);
    let mut members = Vec::new();
    for identity in family.into_iter().map(|process| process.identity).filter(|identity| identity.pid != me) {
        if identity.is_alive()? {
            members.push(identity);
        }
    }
    Ok(members)
}

/// Whether a process of our own user has the run's id in its environment.
fn carries(pid: u32, run: &RunId) -> bool {
    let variables = environment::variables(pid).unwrap_or_default();
    variables
        .iter()
        .any(|(name, value)| name.eq_ignore_ascii_case(RUN_ID_VARIABLE) && *value == *run.as_str())
        && environment::is_of_our_user(pid)
}
