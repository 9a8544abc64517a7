//! A process that one can hold: exit notification, exit code, signals.

pub use super::pidfd::exit_of;

use super::{pidfd, stat};
use crate::process::identity::Identity;
use crate::sys::unix::numbers::number;
use process_monitor_core::exit::Exit;
use process_monitor_core::model::StopSignal;
use rustix::process::{WaitId, WaitIdOptions, waitid};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// One process, held by a pidfd: what is done with it is never done to another process that got
/// its number. Its descriptor becomes readable when the process has ended; register it with a
/// poller to be told, then ask [`Process::try_exit`].
#[derive(Debug)]
pub struct Process {
    pidfd: OwnedFd,
    identity: Identity,
    child: bool,
}

impl Process {
    /// A child that was just spawned.
    pub(super) fn spawned(pidfd: OwnedFd, identity: Identity) -> Self {
        Self { pidfd, identity, child: true }
    }

    /// Takes hold of a child that nobody has reaped, so that its number is still its own; it may have ended.
    ///
    /// # Errors
    /// When there is no such child, or no descriptor left.
    pub fn of_child(pid: u32) -> io::Result<Self> {
        let gone = || io::Error::other(format!("there is no child with pid {pid}"));
        let pidfd = pidfd::open(pid)?.ok_or_else(gone)?;
        let stat = stat::read(pid)?.filter(|stat| stat.ppid == std::process::id()).ok_or_else(gone)?;
        Ok(Self { pidfd, identity: stat.identity(), child: true })
    }

    /// Takes hold of a recorded process again. `None` when it is gone or its number belongs to
    /// another. A zombie is taken: its descriptor is readable at once and its exit known.
    ///
    /// # Errors
    /// When the system refuses to open or to show the process, or out of descriptors.
    pub fn adopt(identity: &Identity) -> io::Result<Option<Self>> {
        let Some(pidfd) = pidfd::open(identity.pid)? else { return Ok(None) };
        // Read after the open: if the number is still that of our process now, it was then.
        let stat = stat::read(identity.pid)?.filter(|stat| stat.identity() == *identity);
        let me = std::process::id();
        Ok(stat.map(|stat| Self { pidfd, identity: *identity, child: stat.ppid == me }))
    }

    /// Which process.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Whether it was our child when it was taken: then its exit is always known, and
    /// [`Process::try_exit`] reaps it.
    pub fn is_child(&self) -> bool {
        self.child
    }

    /// How it ended, and reaps it if it is our child; `None` while it lives. Asking again is allowed
    /// (and may then say [`Exit::Unknown`] before Linux 6.15).
    ///
    /// # Errors
    /// When the system refuses to tell.
    pub fn try_exit(&self) -> io::Result<Option<Exit>> {
        if self.child {
            match self.reap() {
                // Reaped before, or ignoring SIGCHLD reaped it.
                Err(rustix::io::Errno::CHILD) => {}
                other => return Ok(other?),
            }
        }
        exit_of(self.pidfd.as_fd(), &self.identity)
    }

    fn reap(&self) -> rustix::io::Result<Option<Exit>> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        let status = rustix::io::retry_on_intr(|| waitid(WaitId::PidFd(self.pidfd.as_fd()), options))?;
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
        pidfd::wait(self.pidfd.as_fd(), timeout)
    }

    /// Waits until it has ended, in a runtime with IO. Reaps nothing.
    ///
    /// # Errors
    /// When the runtime cannot take the descriptor.
    pub async fn ended(self: Arc<Self>) -> io::Result<()> {
        // SAFETY: the descriptor is owned by the process in the Arc, which never closes it before its own end.
        let pidfd = unsafe { AsyncFd::register_with_interest(self, Interest::READABLE)? };
        pidfd.readable().await.map(drop)
    }

    /// Sends `signal` to it alone. `false` when it is gone.
    ///
    /// # Errors
    /// When we may not (it changed its user).
    pub fn signal(&self, signal: StopSignal) -> io::Result<bool> {
        pidfd::signal(self.pidfd.as_fd(), number(signal))
    }

    /// Sends `signal` to the group that it leads, also after its own death (Linux ≥ 6.9; before,
    /// only while it is there). `false` when nobody is left in it.
    ///
    /// # Errors
    /// When we may signal none of them.
    pub fn signal_group(&self, signal: StopSignal) -> io::Result<bool> {
        self.send_to_group(number(signal))
    }

    /// Whether nobody is left in the group that it leads. Sends no signal.
    ///
    /// # Errors
    /// When the system refuses to tell.
    pub(crate) fn is_group_empty(&self) -> io::Result<bool> {
        match self.send_to_group(0) {
            // Someone is there whom we may not signal.
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => Ok(false),
            other => other.map(|sent| !sent),
        }
    }

    fn send_to_group(&self, signal: i32) -> io::Result<bool> {
        match pidfd::signal_group(self.pidfd.as_fd(), signal)? {
            Some(sent) => Ok(sent),
            None => self.kill_group_by_number(signal),
        }
    }

    /// For kernels before 6.9. The number of a group is safe while its leader is there, if only as a zombie.
    fn kill_group_by_number(&self, signal: i32) -> io::Result<bool> {
        let leader = stat::read(self.identity.pid)?.filter(|stat| stat.identity() == self.identity);
        let Some(group) =
            leader.filter(|stat| stat.pgrp == stat.pid).and_then(|stat| i32::try_from(stat.pgrp).ok())
        else {
            return Ok(false);
        };
        // SAFETY: kill(2) touches no memory; the group was just seen to be led by our process.
        if unsafe { libc::kill(-group, signal) } == 0 {
            return Ok(true);
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() == Some(libc::ESRCH) { Ok(false) } else { Err(error) }
    }
}

impl AsFd for Process {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

impl AsRawFd for Process {
    fn as_raw_fd(&self) -> RawFd {
        self.pidfd.as_raw_fd()
    }
}
