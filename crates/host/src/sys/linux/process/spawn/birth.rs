//! The birth of a child: one that shares this process's memory and descriptors, or a copy where that is refused.

use super::child::{self, Task};
use super::stack::Stack;
use crate::process::spawn::{SpawnError, Stage};
use crate::sys::process::stat;
use crate::sys::unix::spawn::diagnose;
use crate::sys::unix::spawn::report;
use crate::sys::unix::spawn::signals::BlockedSignals;
use rustix::io::Errno;
use std::ffi::c_int;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// A child whose number is its own until it is reaped.
pub struct Born {
    pub pid: u32,
    pub pidfd: OwnedFd,
}

/// Makes a child. When this returns it has become its program, or gave up, or was killed on its way, as `task.answer` tells.
pub fn bear(task: &mut Task<'_>) -> Result<Born, SpawnError> {
    match sharing(task) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => apart(task),
        born => born.map_err(diagnose::fork),
    }
}

/// Copies nothing, so the cost does not grow with the monitor. The child answers in the shared memory.
fn sharing(task: &mut Task<'_>) -> io::Result<Born> {
    if crate::failpoint::refused("spawn::sharing").is_err() {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    clone(task, libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_FILES)
}

/// For emulators of user programs (qemu-user), which cannot do the other: containers for another processor run in them.
/// The pipe takes two descriptors of the reserve for a moment.
fn apart(task: &mut Task<'_>) -> Result<Born, SpawnError> {
    let failed = |error: io::Error| {
        diagnose::setup(Stage::Descriptors, Errno::from_io_error(&error).unwrap_or(Errno::IO))
    };
    let (failures, writer) = io::pipe().map_err(failed)?;
    task.files.failures = Some(writer.as_raw_fd());
    let born = clone(task, 0).map_err(diagnose::fork)?;
    // The child's copy is the last one: the pipe ends with the exec, or with the child.
    drop(writer);
    task.answer.failure = report::hear(failures);
    // The line that it recorded is in its memory only; this is the same one, and stays until the child is reaped.
    task.answer.line_length = stat::read_line(born.pid, &mut task.answer.line).unwrap_or(0);
    Ok(born)
}

fn clone(task: &mut Task<'_>, sharing: c_int) -> io::Result<Born> {
    let born = Stack::lend(|stack| clone_on(stack, task, sharing))??;
    crate::crash_point!("spawn::after_clone");
    Ok(born)
}

fn clone_on(stack: &Stack, task: &mut Task<'_>, sharing: c_int) -> io::Result<Born> {
    let flags = sharing | libc::CLONE_PIDFD | libc::SIGCHLD;
    let mut pidfd: RawFd = -1;
    let blocked = BlockedSignals::new();
    // SAFETY: the child runs `child::main` on a stack of its own, with `task`. If it shares them, both outlive it:
    // CLONE_VFORK suspends this thread until the child has executed a program or ended. Else it has copies.
    let pid =
        unsafe { libc::clone(child::main, stack.top(), flags, (&raw mut *task).cast(), &raw mut pidfd) };
    let error = io::Error::last_os_error();
    drop(blocked);
    let Ok(pid @ 1..) = u32::try_from(pid) else { return Err(error) };
    // SAFETY: clone has put a new descriptor there, which nobody else knows.
    Ok(Born { pid, pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) } })
}
