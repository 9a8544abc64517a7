//! Spawning by clone(2): a child that shares the monitor's memory until its exec, so that no page
//! table is copied, and whose pidfd exists from its first moment. Needs Linux ≥ 5.9 (close_range).
//! Where sharing is refused the child is a copy, and all else the same.
//!
//! | file | |
//! | --- | --- |
//! | `slots` | low descriptors, so that the child needs no copy of the whole table |
//! | `stack` | where the child runs |
//! | `birth` | making it |
//! | `child` | what it does until its exec |

mod birth;
mod child;
mod slots;
mod stack;

pub use crate::sys::unix::spawn::bury_unborn;

use super::handle::Process;
use super::{limits, stat};
use crate::process::identity::Identity;
use crate::process::spawn::{SpawnError, SpawnRequest, Stage};
use crate::sys::unix::spawn::diagnose::{self, Failure};
use crate::sys::unix::spawn::prepare::Prepared;
use child::{Answer, Task};
use process_monitor_core::model::OutputMode;
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, WaitId, WaitIdOptions, getpid, getrlimit, waitid};
use slots::{Filled, Handover};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Descriptors that a start opens: both ends of two FIFOs, the run record, the pidfd.
/// What is discarded needs the null device instead of FIFOs.
pub fn per_start(output: OutputMode) -> usize {
    match output {
        OutputMode::Capture => 6,
        OutputMode::Discard => 3,
    }
}

/// How many descriptors a process may have whatever its hard limit says; `None`: that alone counts.
pub fn most_descriptors() -> Option<u64> {
    None
}

/// See [`crate::process::spawn::ensure_room`]. It takes what a start would, one after the other, and so
/// at most one of the reserve: a start that goes on in spite of there being no room takes all of it.
pub fn ensure_room(output: OutputMode) -> Result<(), SpawnError> {
    let mut taken = Vec::with_capacity(per_start(output));
    for _ in 0..per_start(output) {
        let probe =
            eventfd(0, EventfdFlags::CLOEXEC).map_err(|errno| diagnose::setup(Stage::Descriptors, errno))?;
        ensure_reserve(probe.as_fd())?;
        taken.push(probe);
    }
    Ok(())
}

fn ensure_reserve(newest: BorrowedFd<'_>) -> Result<(), SpawnError> {
    match limits::leaves_reserve(newest) {
        true => Ok(()),
        false => Err(diagnose::out_of_descriptors(Errno::MFILE)),
    }
}

/// See [`crate::process::spawn::spawn`].
pub fn spawn(request: &SpawnRequest<'_>) -> Result<Process, SpawnError> {
    let prepared = Prepared::new(request)?;
    // Another start may have been faster since there was room.
    ensure_reserve(request.record)?;
    let record_length =
        rustix::fs::fstat(request.record).map_err(|errno| diagnose::setup(Stage::Record, errno))?.st_size;
    let files = Handover { stdout: request.stdout, stderr: request.stderr, record: request.record };
    let filled = Filled::new(&files).map_err(|errno| diagnose::setup(Stage::Descriptors, errno))?;
    let mut task = Task {
        candidates: &prepared.candidates,
        argv: prepared.argv(),
        envp: prepared.envp(),
        directory: prepared.directory.as_deref(),
        nofile: original_nofile(),
        files: filled.numbers(),
        record_length: record_length.cast_unsigned(),
        monitor: getpid(),
        answer: Answer { failure: None, line: [0; stat::LONGEST], line_length: 0 },
    };
    crate::crash_point!("spawn::before_clone");
    let born = birth::bear(&mut task)?;
    match task.answer.failure {
        None => Ok(Process::spawned(born.pidfd, identity(born.pid, &task.answer))),
        Some(failure) => Err(bury(&born.pidfd, request, &prepared, failure)),
    }
}

fn original_nofile() -> Option<Rlimit> {
    limits::original_nofile()
        .map(|soft| Rlimit { current: Some(soft), maximum: getrlimit(Resource::Nofile).maximum })
}

/// The line is there whenever there is no failure, unless a signal killed the child just after its
/// birth; then the start time is not needed: the child is ours, and its pidfd says that it ended.
fn identity(pid: u32, answer: &Answer) -> Identity {
    let line = answer.line.get(..answer.line_length).unwrap_or_default();
    super::identity::from_record_line(line).unwrap_or(Identity { pid, start_time: 0 })
}

fn bury(pidfd: &OwnedFd, request: &SpawnRequest<'_>, prepared: &Prepared, failure: Failure) -> SpawnError {
    let reaped = rustix::io::retry_on_intr(|| waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED));
    if let Err(error) = reaped {
        tracing::debug!("the child of a failed start was reaped by someone else: {error}");
    }
    diagnose::diagnose(request, prepared, failure)
}
