//! Spawning by fork(2) and execve(2), with a pipe that tells which step of the child failed.
//!
//! | file | |
//! | --- | --- |
//! | `child` | what the child does until its exec |

mod child;

pub use crate::sys::unix::spawn::bury_unborn;

use super::exit_watch::ExitWatch;
use super::handle::Process;
use super::stat;
use crate::process::identity::Identity;
use crate::process::spawn::{SpawnError, SpawnRequest, Stage};
use crate::sys::sysctl;
use crate::sys::unix::limits;
use crate::sys::unix::spawn::diagnose::{self, Failure};
use crate::sys::unix::spawn::prepare::Prepared;
use crate::sys::unix::spawn::report;
use crate::sys::unix::spawn::signals::BlockedSignals;
use child::Task;
use process_monitor_core::model::OutputMode;
use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, WaitOptions, getpid, getrlimit, waitpid};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Descriptors that a start opens: both ends of two FIFOs, the run record, the queue that tells of the end, and both
/// ends of the pipe for failures.
/// What is discarded needs the null device instead of FIFOs.
pub fn per_start(output: OutputMode) -> usize {
    match output {
        OutputMode::Capture => 8,
        OutputMode::Discard => 5,
    }
}

/// How many descriptors a process may have whatever its hard limit says, which usually is "unlimited" (setrlimit(2)).
pub fn most_descriptors() -> Option<u64> {
    sysctl::number(c"kern.maxfilesperproc").ok().and_then(|most| u64::try_from(most).ok())
}

/// See [`crate::process::spawn::ensure_room`]. It takes what a start would, one after the other, and so
/// at most one of the reserve: a start that goes on in spite of there being no room takes all of it.
pub fn ensure_room(output: OutputMode) -> Result<(), SpawnError> {
    let mut taken: Vec<File> = Vec::with_capacity(per_start(output));
    for _ in 0..per_start(output) {
        let probe = File::open("/dev/null").map_err(descriptors)?;
        ensure_reserve(&probe)?;
        taken.push(probe);
    }
    Ok(())
}

fn ensure_reserve(newest: impl AsFd) -> Result<(), SpawnError> {
    match limits::leaves_reserve(newest.as_fd()) {
        true => Ok(()),
        false => Err(diagnose::out_of_descriptors(Errno::MFILE)),
    }
}

fn descriptors(error: io::Error) -> SpawnError {
    diagnose::setup(Stage::Descriptors, Errno::from_io_error(&error).unwrap_or(Errno::IO))
}

/// See [`crate::process::spawn::spawn`].
pub fn spawn(request: &SpawnRequest<'_>) -> Result<Process, SpawnError> {
    let prepared = Prepared::new(request)?;
    // Another start may have been faster since there was room.
    ensure_reserve(request.record)?;
    let record_length =
        rustix::fs::fstat(request.record).map_err(|errno| diagnose::setup(Stage::Record, errno))?.st_size;
    let null = File::open("/dev/null").map_err(descriptors)?;
    let (failures, writer) = io::pipe().map_err(descriptors)?;
    let task = Task {
        candidates: &prepared.candidates,
        argv: prepared.argv(),
        envp: prepared.envp(),
        directory: prepared.directory.as_deref(),
        nofile: original_nofile(),
        null: null.as_raw_fd(),
        stdout: request.stdout.as_raw_fd(),
        stderr: request.stderr.as_raw_fd(),
        record: request.record.as_raw_fd(),
        record_length,
        failures: writer.as_raw_fd(),
        monitor: getpid(),
    };
    crate::crash_point!("spawn::before_clone");
    let pid = fork(&task).map_err(diagnose::fork)?;
    // The child's copy is the last one: the pipe ends with the exec, or with the child.
    drop(writer);
    crate::crash_point!("spawn::after_clone");
    match report::hear(failures) {
        Some(failure) => Err(bury(pid, request, &prepared, failure)),
        None => held(pid),
    }
}

fn original_nofile() -> Option<Rlimit> {
    limits::original_nofile()
        .map(|soft| Rlimit { current: Some(soft), maximum: getrlimit(Resource::Nofile).maximum })
}

fn fork(task: &Task<'_>) -> io::Result<Pid> {
    let blocked = BlockedSignals::new();
    // SAFETY: the child makes only system calls, allocates nothing, takes no lock, and ends in an exec or in _exit(2).
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        child::main(task);
    }
    let error = io::Error::last_os_error();
    drop(blocked);
    Pid::from_raw(pid).filter(|_| pid > 0).ok_or(error)
}

fn bury(pid: Pid, request: &SpawnRequest<'_>, prepared: &Prepared, failure: Failure) -> SpawnError {
    if let Err(error) = rustix::io::retry_on_intr(|| waitpid(Some(pid), WaitOptions::empty())) {
        tracing::debug!("the child of a failed start was reaped by someone else: {error}");
    }
    diagnose::diagnose(request, prepared, failure)
}

/// It is our child and nobody reaps it, so that its number is its own, also when it has ended already.
fn held(pid: Pid) -> Result<Process, SpawnError> {
    let number = pid.as_raw_pid().unsigned_abs();
    let exit = ExitWatch::of_child(number).map_err(descriptors);
    let stat = stat::read(number).map_err(|source| SpawnError::Setup { stage: Stage::Record, source });
    match (exit, stat) {
        (Ok(exit), Ok(stat)) => Ok(Process::spawned(
            exit,
            stat.map_or(Identity { pid: number, start_time: 0 }, |stat| stat.identity()),
        )),
        (Err(error), _) | (_, Err(error)) => {
            // Nobody would know of it: nothing runs after an error.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            let _ = rustix::io::retry_on_intr(|| waitpid(Some(pid), WaitOptions::empty()));
            Err(error)
        }
    }
}
