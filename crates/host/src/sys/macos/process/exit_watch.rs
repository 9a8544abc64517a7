//! Knowing when a process has ended: EVFILT_PROC of kqueue(2).

use super::stat;
use crate::process::identity::Identity;
use crate::sys::kqueue::{Event, Queue, event};
use crate::sys::unix::wait;
use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::OnceLock;
use std::time::Duration;

/// Says in [`ExitWatch::queue`] for good that the process has ended: the system's own event is gone once it is read.
const ENDED: usize = 1;

/// Readable when the process has ended. Reaps nothing.
#[derive(Debug)]
pub struct ExitWatch {
    queue: Queue,
    /// How it ended, in the form of waitpid(2); `None` in it when the system has not told.
    status: OnceLock<Option<i32>>,
}

impl ExitWatch {
    /// Watches a child that nobody has reaped, so that its number is still its own; it may have ended.
    ///
    /// # Errors
    /// When there is no such child, or no descriptor left.
    pub fn of_child(pid: u32) -> io::Result<Self> {
        match Self::of(pid)? {
            Some(watch) => Ok(watch),
            // Who is in the middle of his end cannot be watched any more, nor can a zombie.
            None if await_child(pid)? => Self::ended(None),
            None => Err(io::Error::other(format!("there is no child with pid {pid}"))),
        }
    }

    /// Watches the process that has `pid` now; `None` when none runs under that number.
    pub(super) fn of(pid: u32) -> io::Result<Option<Self>> {
        let Ok(number) = usize::try_from(pid) else { return Ok(None) };
        let watch = Self::new()?;
        // A process of another user does not tell how it ended.
        let status = libc::NOTE_EXIT | libc::NOTE_EXITSTATUS;
        for notes in [status, libc::NOTE_EXIT] {
            match watch.queue.change(event(number, libc::EVFILT_PROC, libc::EV_ADD, notes)) {
                Ok(()) => return Ok(Some(watch)),
                Err(Errno::ACCESS | Errno::PERM) => {}
                // EINVAL: a number that no process can have.
                Err(Errno::SRCH | Errno::INVAL) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        Err(Errno::ACCESS.into())
    }

    /// Of a process that is known to have ended.
    pub(super) fn ended(status: Option<i32>) -> io::Result<Self> {
        let watch = Self::new()?;
        watch.say_for_good(status)?;
        Ok(watch)
    }

    fn new() -> io::Result<Self> {
        Ok(Self { queue: Queue::new()?, status: OnceLock::new() })
    }

    /// Whether it has ended; then, in the form of waitpid(2), how, if the system told.
    pub(super) fn status(&self) -> io::Result<Option<Option<i32>>> {
        if let Some(known) = self.status.get() {
            return Ok(Some(*known));
        }
        let mut events: [Event; 1] = [event(0, 0, 0, 0)];
        if rustix::io::retry_on_intr(|| self.queue.wait(&mut events, Some(Duration::ZERO)))? == 0 {
            // Another thread may have read it just now.
            return Ok(self.status.get().copied());
        }
        let [told] = events;
        let status =
            (told.fflags & libc::NOTE_EXITSTATUS != 0).then(|| i32::try_from(told.data).ok()).flatten();
        self.say_for_good(status)?;
        Ok(self.status.get().copied())
    }

    /// Waits until it has ended, at most `timeout` (`None`: for good), and says whether it has.
    ///
    /// # Errors
    /// As poll(2).
    pub fn wait(&self, timeout: Option<Duration>) -> io::Result<bool> {
        wait::one(self.queue.as_fd(), timeout)
    }

    fn say_for_good(&self, status: Option<i32>) -> io::Result<()> {
        let _first_counts = self.status.set(status);
        self.queue.change(event(ENDED, libc::EVFILT_USER, libc::EV_ADD, 0))?;
        Ok(self.queue.change(event(ENDED, libc::EVFILT_USER, 0, libc::NOTE_TRIGGER))?)
    }
}

impl AsFd for ExitWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

impl AsRawFd for ExitWatch {
    fn as_raw_fd(&self) -> RawFd {
        self.queue.as_fd().as_raw_fd()
    }
}

/// How a process ended that is not our child and cannot be watched any more, if it is still there to be looked at.
pub(super) fn of_ended(identity: &Identity) -> io::Result<Option<i32>> {
    let stat = stat::read(identity.pid)?.filter(|stat| stat.identity() == *identity);
    Ok(stat.filter(|stat| stat.is_dead() || stat.is_exiting()).map(|stat| stat.exit_status))
}

/// Waits until the child `pid`, whose end has begun, is a zombie; `false`: there is no such child. Reaps nothing.
///
/// The system tells of an end, and lets nobody watch the process any more, some steps before it makes it a zombie (`proc_exit()` in
/// the kernel's kern_exit.c): who does not wait these steps is told that there is nothing to reap.
///
/// # Errors
/// As of waitid(2).
pub(super) fn await_child(pid: u32) -> io::Result<bool> {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(false) };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    match rustix::io::retry_on_intr(|| waitid(WaitId::Pid(pid), options)) {
        Ok(_) => Ok(true),
        Err(Errno::CHILD) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
