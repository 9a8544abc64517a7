//! What runs in the child between its birth and its program. It is the copy of one thread of a process with many, so
//! nothing here allocates, takes a lock or panics.

use crate::process::spawn::Stage;
use crate::sys::inherit;
use crate::sys::process::stat;
use crate::sys::unix::spawn::diagnose::Failure;
use crate::sys::unix::spawn::execute::execute;
use crate::sys::unix::spawn::report;
use crate::sys::unix::spawn::signals::unblock_all;
use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, chdir, getppid, setrlimit, setsid};
use std::ffi::{CStr, CString, c_char};
use std::os::fd::{BorrowedFd, RawFd};

/// What the child is told.
pub struct Task<'a> {
    pub candidates: &'a [CString],
    pub argv: *const *const c_char,
    pub envp: *const *const c_char,
    pub directory: Option<&'a CStr>,
    /// Soft and hard limit of open descriptors to set.
    pub nofile: Option<Rlimit>,
    pub null: RawFd,
    pub stdout: RawFd,
    pub stderr: RawFd,
    pub record: RawFd,
    /// The length of the record without the child's line.
    pub record_length: i64,
    /// Where it tells why there is no program.
    pub failures: RawFd,
    pub monitor: Pid,
}

/// The child's whole life, unless it becomes a program.
pub fn main(task: &Task<'_>) -> ! {
    let Err(failure) = become_program(task);
    report::tell(borrow(task.failures), failure);
    // SAFETY: it ends this process at once, and runs nothing of the parent's.
    unsafe { libc::_exit(127) }
}

fn become_program(task: &Task<'_>) -> Result<std::convert::Infallible, Failure> {
    let at = |stage| move |errno| Failure { stage, errno, candidate: 0 };
    reset_signal_handlers();
    setsid().map_err(at(Stage::Session))?;
    // Marked first, so that the copies that are made now, which are not, stay.
    inherit::nothing().map_err(|_| at(Stage::Descriptors)(Errno::IO))?;
    place_descriptors(task).map_err(at(Stage::Descriptors))?;
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
    // SAFETY: both point to null-terminated data, of which this process has a copy.
    let (candidate, errno) = unsafe { execute(task.candidates, task.argv, task.envp) };
    // When it fails, the record names a process that is about to be gone: an ended run.
    let _ = rustix::fs::ftruncate(borrow(task.record), task.record_length.unsigned_abs());
    Err(Failure { stage: Stage::Exec, errno, candidate })
}

/// The monitor's handlers are gone by the exec, but what it ignores (SIGPIPE) would stay ignored.
fn reset_signal_handlers() {
    /// `NSIG` of signal.h: one more than the highest.
    const SIGNALS: libc::c_int = 32;
    for signal in 1..SIGNALS {
        // SAFETY: sets the default; SIGKILL and SIGSTOP cannot be changed, which is as good.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// All that are given are above 2 (the monitor has those open), so that none is closed by putting another in its place.
fn place_descriptors(task: &Task<'_>) -> Result<(), Errno> {
    rustix::stdio::dup2_stdin(borrow(task.null))?;
    rustix::stdio::dup2_stdout(borrow(task.stdout))?;
    rustix::stdio::dup2_stderr(borrow(task.stderr))
}

fn borrow<'a>(descriptor: RawFd) -> BorrowedFd<'a> {
    // SAFETY: the parent holds it open until the child is a program or gone.
    unsafe { BorrowedFd::borrow_raw(descriptor) }
}

/// Its line of the run record: `pid (start time)`, in one write.
fn record_self(task: &Task<'_>) -> Result<(), Errno> {
    let start_time = stat::own_start_time().ok_or(Errno::SRCH)?;
    let mut line = Line::default();
    line.number(u64::from(rustix::process::getpid().as_raw_pid().unsigned_abs()));
    line.text(b" (");
    line.number(start_time);
    line.text(b")\n");
    let text = line.bytes.get(..line.length).unwrap_or_default();
    let written = rustix::io::write(borrow(task.record), text)?;
    // A short write means a full disk.
    if written == line.length { Ok(()) } else { Err(Errno::NOSPC) }
}

/// A line that is put together without memory from elsewhere.
#[derive(Default)]
struct Line {
    bytes: [u8; 32],
    length: usize,
}

impl Line {
    fn text(&mut self, text: &[u8]) {
        for byte in text {
            if let Some(place) = self.bytes.get_mut(self.length) {
                *place = *byte;
                self.length += 1;
            }
        }
    }

    fn number(&mut self, number: u64) {
        let mut divisor = 10_000_000_000_000_000_000_u64;
        while divisor > 1 && number / divisor == 0 {
            divisor /= 10;
        }
        while divisor > 0 {
            self.text(&[b'0' + (number / divisor % 10) as u8]);
            divisor /= 10;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_record() {
        let mut line = Line::default();
        for number in [0, 7, 10, 4711, 1_764_081_234_567_890] {
            line = Line::default();
            line.number(number);
            assert_eq!(&line.bytes[..line.length], number.to_string().as_bytes());
        }
        line.text(b" (");
        assert_eq!(line.length, 18);
    }
}
