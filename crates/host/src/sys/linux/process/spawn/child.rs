//! What runs in the child between its birth and its program.
//!
//! The child shares the monitor's memory (CLONE_VM) while the spawning thread is suspended, and the
//! other threads go on; or it has a copy of one moment of it. So nothing here allocates, takes a lock,
//! panics or touches a global.

use super::slots::Numbers;
use crate::process::spawn::Stage;
use crate::sys::linux::inherit::close_range;
use crate::sys::process::stat;
use crate::sys::unix::spawn::diagnose::Failure;
use crate::sys::unix::spawn::execute::execute;
use crate::sys::unix::spawn::report;
use crate::sys::unix::spawn::signals::unblock_all;
use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, chdir, getppid, setrlimit, setsid};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::os::fd::BorrowedFd;

/// What the child is told, and what it answers.
pub struct Task<'a> {
    pub candidates: &'a [CString],
    pub argv: *const *const c_char,
    pub envp: *const *const c_char,
    pub directory: Option<&'a CStr>,
    /// Soft and hard limit of open descriptors to set.
    pub nofile: Option<Rlimit>,
    pub files: Numbers,
    /// The length of the record without the child's line.
    pub record_length: u64,
    pub monitor: Pid,
    pub answer: Answer,
}

/// What the child leaves behind in the shared memory; of one that has a copy, what its parent learns.
pub struct Answer {
    /// Why there is no program; `None` when there is one.
    pub failure: Option<Failure>,
    /// The line that the child recorded.
    pub line: [u8; stat::LONGEST],
    pub line_length: usize,
}

/// The child's whole life. Returns only after a failure; the number is its exit code, which
/// nobody looks at.
pub extern "C" fn main(task: *mut c_void) -> c_int {
    // SAFETY: the spawning thread passes its own `Task` and sleeps until we are gone, or this is a copy.
    let task = unsafe { &mut *task.cast::<Task<'_>>() };
    let Err(failure) = become_program(task);
    if let Some(pipe) = task.files.failures {
        report::tell(borrow(pipe), failure);
    }
    task.answer.failure = Some(failure);
    127
}

fn become_program(task: &mut Task<'_>) -> Result<std::convert::Infallible, Failure> {
    let at = |stage| move |errno| Failure { stage, errno, candidate: 0 };
    reset_signal_handlers();
    setsid().map_err(at(Stage::Session))?;
    place_descriptors(&task.files).map_err(at(Stage::Descriptors))?;
    if let Some(directory) = task.directory {
        chdir(directory).map_err(at(Stage::WorkingDirectory))?;
    }
    if let Some(nofile) = task.nofile {
        setrlimit(Resource::Nofile, nofile).map_err(at(Stage::Limits))?;
    }
    // A later monitor waits for our lock on the record, but not for ever: better give up early.
    if getppid() != Some(task.monitor) {
        return Err(at(Stage::Orphaned)(Errno::SRCH));
    }
    record_self(task).map_err(at(Stage::Record))?;
    unblock_all();
    // SAFETY: both point to null-terminated data that the suspended thread owns.
    let (candidate, errno) = unsafe { execute(task.candidates, task.argv, task.envp) };
    take_record_back(task);
    Err(Failure { stage: Stage::Exec, errno, candidate })
}

/// The monitor's handlers would run in its memory, and what it ignores (SIGPIPE) would stay ignored.
/// All signals are blocked until this is done. The C library's call may take a lock (SIGABRT, glibc
/// ≥ 2.41) and refuses its own signals; the system's does neither.
fn reset_signal_handlers() {
    /// The kernel's `struct sigaction`, all zero: SIG_DFL, no flags, no mask.
    const DEFAULT: [u64; 4] = [0; 4];
    /// The kernel's `sigset_t`.
    const SET_BYTES: usize = if cfg!(any(target_arch = "mips", target_arch = "mips64")) { 16 } else { 8 };
    for signal in 1..=libc::c_long::from(libc::SIGRTMAX()) {
        let old = std::ptr::null_mut::<u64>();
        // SAFETY: reads the zeros only. The handlers of this process alone change: CLONE_SIGHAND is
        // not set. SIGKILL and SIGSTOP cannot be changed, which is as good.
        unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, DEFAULT.as_ptr(), old, SET_BYTES) };
    }
}

fn place_descriptors(files: &Numbers) -> Result<(), Errno> {
    // The table is still the monitor's. From here on it is our own, with the low ones only.
    // SAFETY: it is parted from before anything is closed; what is closed then are the child's own copies.
    unsafe { close_range(files.highest().cast_unsigned() + 1, libc::CLOSE_RANGE_UNSHARE) }?;
    rustix::stdio::dup2_stdin(borrow(files.null))?;
    rustix::stdio::dup2_stdout(borrow(files.stdout))?;
    rustix::stdio::dup2_stderr(borrow(files.stderr))?;
    // SAFETY: it only marks them.
    unsafe { close_range(3, libc::CLOSE_RANGE_CLOEXEC) }
}

fn borrow<'a>(descriptor: c_int) -> BorrowedFd<'a> {
    // SAFETY: the slots are open for as long as the child is no program yet.
    unsafe { BorrowedFd::borrow_raw(descriptor) }
}

fn record_self(task: &mut Task<'_>) -> Result<(), Errno> {
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC;
    // It has one thread, and an emulator makes up what it shows of the process (see `stat::read_line`).
    let stat = rustix::fs::open(c"/proc/thread-self/stat", flags, rustix::fs::Mode::empty())?;
    let length = rustix::io::read(&stat, &mut task.answer.line)?;
    task.answer.line_length = length;
    let line = task.answer.line.get(..length).unwrap_or_default();
    let written = rustix::io::write(borrow(task.files.record), line)?;
    // A short write means a full disk.
    if written == length { Ok(()) } else { Err(Errno::NOSPC) }
}

/// So that a monitor that dies now leaves the truth: nothing was started.
fn take_record_back(task: &Task<'_>) {
    // When it fails, the record names a process that is about to be gone: an ended run.
    let _ = rustix::fs::ftruncate(borrow(task.files.record), task.record_length);
}
