//! A process that one can hold: exit notification, exit code, signals.

use super::exit_watch::{ExitWatch, await_child, of_ended};
use super::stat;
use crate::process::identity::Identity;
use crate::sys::unix::numbers::{decode, number};
use process_monitor_core::exit::Exit;
use process_monitor_core::model::StopSignal;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// One process. Its descriptor becomes readable when the process has ended; register it with a
/// poller to be told, then ask [`Process::try_exit`].
///
/// A child that has ended is kept as a zombie until this is dropped: its number, and that of the group that it led, can
/// then belong to nobody else. Of others the identity is compared right before each signal.
#[derive(Debug)]
pub struct Process {
    exit: ExitWatch,
    identity: Identity,
    child: bool,
}

impl Process {
    /// A child that was just spawned.
    pub(super) fn spawned(exit: ExitWatch, identity: Identity) -> Self {
        Self { exit, identity, child: true }
    }

    /// Takes hold of a child that nobody has reaped, so that its number is still its own; it may have ended.
    ///
    /// # Errors
    /// When there is no such child, or no descriptor left.
    pub fn of_child(pid: u32) -> io::Result<Self> {
        let gone = || io::Error::other(format!("there is no child with pid {pid}"));
        let exit = ExitWatch::of_child(pid)?;
        let stat = stat::read(pid)?.filter(|stat| stat.ppid == std::process::id()).ok_or_else(gone)?;
        Ok(Self { exit, identity: stat.identity(), child: true })
    }

    /// Takes hold of a recorded process again. `None` when it is gone or its number belongs to
    /// another. A zombie is taken: its descriptor is readable at once and its exit known.
    ///
    /// # Errors
    /// When the system refuses to show the process, or out of descriptors.
    pub fn adopt(identity: &Identity) -> io::Result<Option<Self>> {
        let exit = match ExitWatch::of(identity.pid)? {
            Some(exit) => exit,
            None if await_child(identity.pid)? => ExitWatch::ended(None)?,
            None => match of_ended(identity)? {
                Some(status) => ExitWatch::ended(Some(status))?,
                None => return Ok(None),
            },
        };
        // Read after: if the number is still that of our process now, it was then.
        let stat = stat::read(identity.pid)?.filter(|stat| stat.identity() == *identity);
        let me = std::process::id();
        Ok(stat.map(|stat| Self { exit, identity: *identity, child: stat.ppid == me }))
    }

    /// Which process.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Whether it was our child when it was taken: then its exit is always known, and it is reaped when this is dropped.
    pub fn is_child(&self) -> bool {
        self.child
    }

    /// How it ended; `None` while it lives. Asking again is allowed.
    ///
    /// # Errors
    /// When the system refuses to tell.
    pub fn try_exit(&self) -> io::Result<Option<Exit>> {
        let Some(status) = self.exit.status()? else { return Ok(None) };
        if let Some(status) = status {
            return Ok(Some(decode(status)));
        }
        if self.child
            && let Some(exit) = self.exit_of_zombie_child()?
        {
            return Ok(Some(exit));
        }
        Ok(Some(of_ended(&self.identity)?.map_or(Exit::Unknown, decode)))
    }

    fn exit_of_zombie_child(&self) -> io::Result<Option<Exit>> {
        let Some(pid) = self.pid() else { return Ok(None) };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = match rustix::io::retry_on_intr(|| waitid(WaitId::Pid(pid), options)) {
            // Reaped before.
            Err(rustix::io::Errno::CHILD) => return Ok(None),
            other => other?,
        };
        Ok(status.map(|status| match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Exit::Code(code),
            (None, Some(signal)) => Exit::Signal(signal),
            (None, None) => Exit::Unknown,
        }))
    }

    /// Waits until it has ended, at most `timeout` (`None`: for good), and says whether it has.
    /// Reaps nothing.
    ///
    /// # Errors
    /// As poll(2).
    pub fn wait(&self, timeout: Option<Duration>) -> io::Result<bool> {
        self.exit.wait(timeout)
    }

    /// Waits until it has ended, in a runtime with IO. Reaps nothing.
    ///
    /// # Errors
    /// When the runtime cannot take the descriptor.
    pub async fn ended(self: Arc<Self>) -> io::Result<()> {
        // SAFETY: the descriptor is owned by the process in the Arc, which never closes it before its own end.
        let exit = unsafe { AsyncFd::register_with_interest(self, Interest::READABLE)? };
        exit.readable().await.map(drop)
    }

    /// Sends `signal` to it alone. `false` when it is gone.
    ///
    /// # Errors
    /// When we may not (it changed its user).
    pub fn signal(&self, signal: StopSignal) -> io::Result<bool> {
        match self.seen()? {
            Some(seen) if !seen.is_dead() => kill(self.identity.pid.cast_signed(), number(signal)),
            _ => Ok(false),
        }
    }

    /// Sends `signal` to the group that it leads, as long as it is there, if only as a zombie. `false` when it is gone, or
    /// leads none.
    ///
    /// # Errors
    /// When we may signal none of them.
    pub fn signal_group(&self, signal: StopSignal) -> io::Result<bool> {
        self.send_to_group(number(signal))
    }

    /// Whether nobody is left in the group that it leads, or its number cannot be trusted any more. Sends no signal.
    ///
    /// # Errors
    /// When the system refuses to tell.
    pub(crate) fn is_group_empty(&self) -> io::Result<bool> {
        match self.send_to_group(0) {
            // Someone is there whom we may not signal; or there are zombies only, which a look at each shows.
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => Ok(false),
            other => other.map(|sent| !sent),
        }
    }

    fn send_to_group(&self, signal: i32) -> io::Result<bool> {
        match self.seen()? {
            Some(seen) if seen.pgrp == seen.pid => kill(-self.identity.pid.cast_signed(), signal),
            _ => Ok(false),
        }
    }

    /// The process under its number, if that is still it.
    fn seen(&self) -> io::Result<Option<stat::Stat>> {
        Ok(stat::read(self.identity.pid)?.filter(|stat| stat.identity() == self.identity))
    }

    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.identity.pid).ok().and_then(Pid::from_raw)
    }
}

/// Its number is nobody's any more.
impl Drop for Process {
    fn drop(&mut self) {
        if let Some(pid) = self.pid().filter(|_| self.child) {
            let has_ended = matches!(self.exit.status(), Ok(Some(_)));
            // See `await_child`. One that still lives stays a zombie when it ends, until this process does.
            let patience = if has_ended { WaitIdOptions::empty() } else { WaitIdOptions::NOHANG };
            // ECHILD: it was reaped by somebody else.
            let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | patience);
        }
    }
}

fn kill(target: i32, signal: i32) -> io::Result<bool> {
    // SAFETY: kill(2) touches no memory; the caller has just seen that the number is the process's.
    if unsafe { libc::kill(target, signal) } == 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    if error.raw_os_error() == Some(libc::ESRCH) { Ok(false) } else { Err(error) }
}

impl AsFd for Process {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.exit.as_fd()
    }
}

impl AsRawFd for Process {
    fn as_raw_fd(&self) -> RawFd {
        self.exit.as_raw_fd()
    }
}
