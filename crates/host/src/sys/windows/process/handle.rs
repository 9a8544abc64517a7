//! A process that one can hold: exit notification, exit code, being told to end.

use super::asking::{self, Request};
use super::job::{Job, KILLED, TO_ASK};
use super::spawn::Begun;
use super::{environment, open, registered, resume};
use crate::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::process::identity::Identity;
use crate::process::spawn::RUN_ID_VARIABLE;
use crate::sys::windows::object::{done, wait};
use process_monitor_core::exit::Exit;
use process_monitor_core::id::RunId;
use process_monitor_core::model::StopSignal;
use std::io;
use std::os::windows::io::AsRawHandle;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use windows_sys::Win32::System::Threading::{
    GetExitCodeProcess, PROCESS_TERMINATE, PROCESS_VM_READ, TerminateProcess,
};

/// One process, held by a handle: its number is given to nobody else until this is dropped, and its exit is known, whoever started
/// it. Its handle is signalled when the process has ended; register it with a poller to be told, then ask [`Process::try_exit`].
#[derive(Debug)]
pub struct Process {
    process: OwnedFd,
    identity: Identity,
    child: bool,
    /// The job that it leads or belongs to; `None` in it when there is none to be found.
    job: OnceLock<Option<Arc<Job>>>,
}

impl Process {
    /// A child that was just spawned.
    pub(super) fn spawned(begun: Begun, job: Job) -> Self {
        let job = OnceLock::from(Some(Arc::new(job)));
        Self { process: begun.process, identity: begun.identity, child: true, job }
    }

    /// Takes hold of a child that somebody holds, so that its number is still its own; it may have ended.
    ///
    /// # Errors
    /// When there is no such child.
    pub fn of_child(pid: u32) -> io::Result<Self> {
        let gone = || io::Error::other(format!("there is no child with pid {pid}"));
        let process = open::open_or_look(pid, PROCESS_TERMINATE)?.ok_or_else(gone)?;
        let identity = open::identity(process.as_fd())?;
        Ok(Self { process, identity, child: true, job: OnceLock::new() })
    }

    /// Takes hold of a recorded process again. `None` when it is gone or its number belongs to
    /// another. One that has ended is taken as long as anybody else holds it, too: its exit is known.
    ///
    /// Should it never have begun, because its monitor died between recording it and letting it go, it begins now.
    ///
    /// # Errors
    /// When the system refuses to open or to show the process.
    pub fn adopt(identity: &Identity) -> io::Result<Option<Self>> {
        let held = Self::hold(identity)?;
        if let Some(held) = &held {
            resume::if_it_never_began(held.as_fd())?;
        }
        Ok(held)
    }

    /// As [`Process::adopt`], and leaves it as it is.
    pub(super) fn hold(identity: &Identity) -> io::Result<Option<Self>> {
        let Some(process) = open::open_or_look(identity.pid, PROCESS_TERMINATE)? else { return Ok(None) };
        // As it is held, its number is its own now.
        if open::identity(process.as_fd())? != *identity {
            return Ok(None);
        }
        let child = open::is_our_child(process.as_fd())?;
        Ok(Some(Self { process, identity: *identity, child, job: OnceLock::new() }))
    }

    /// Which process.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Whether this process started it. (Its exit is known either way.)
    pub fn is_child(&self) -> bool {
        self.child
    }

    /// How it ended; `None` while it lives. Asking again is allowed.
    ///
    /// A code with the high bit (`0xC0000005`: access violation) is the same bits as a negative number. The code 259 does not mean
    /// that it lives, whatever `GetExitCodeProcess` calls it.
    ///
    /// # Errors
    /// When the system refuses to tell.
    pub fn try_exit(&self) -> io::Result<Option<Exit>> {
        if !open::has_ended(self.as_fd())? {
            return Ok(None);
        }
        let mut code = 0_u32;
        // SAFETY: the handle is open, and there is room for the answer.
        done(unsafe { GetExitCodeProcess(self.process.as_raw_handle(), &raw mut code) })?;
        Ok(Some(Exit::Code(code.cast_signed())))
    }

    /// Waits until it has ended, at most `timeout` (`None`: for good), and says whether it has.
    ///
    /// # Errors
    /// As `WaitForSingleObject`.
    pub fn wait(&self, timeout: Option<Duration>) -> io::Result<bool> {
        wait(self.as_fd(), timeout)
    }

    /// Waits until it has ended, in any runtime.
    ///
    /// # Errors
    /// When the system cannot take one more wait.
    pub async fn ended(self: Arc<Self>) -> io::Result<()> {
        registered::signalled(&self).await
    }

    /// Tells it to end: SIGKILL ends it, alone and at once; other signals ask it, see [`Process::signal_group`], and those that
    /// share its console and group as well, as the system has no way to ask one. `false` when it is gone.
    ///
    /// # Errors
    /// When we may not, and for signals that mean nothing here.
    pub fn signal(&self, signal: StopSignal) -> io::Result<bool> {
        if open::has_ended(self.as_fd())? {
            return Ok(false);
        }
        match signal {
            StopSignal::Kill => self.kill(),
            other => self.ask(other).map(|()| true),
        }
    }

    /// Tells it and all that it started to end: SIGKILL ends everyone at once; SIGTERM, SIGINT, SIGQUIT and SIGHUP ask by CTRL+BREAK,
    /// which a console program may catch and which ends others, and by asking windows to close. `false` when nobody is left.
    ///
    /// # Errors
    /// When we may not, and for signals that mean nothing here.
    pub fn signal_group(&self, signal: StopSignal) -> io::Result<bool> {
        let Some(job) = self.job() else { return self.signal(signal) };
        if job.pids()?.is_empty() {
            return Ok(false);
        }
        match signal {
            StopSignal::Kill => job.kill().map(|()| true),
            other => self.ask(other).map(|()| true),
        }
    }

    /// The job that it belongs to: the one that it was started in, or that of the run in its environment if it really is in that.
    pub(super) fn job(&self) -> Option<&Arc<Job>> {
        if let Some(known) = self.job.get() {
            return known.as_ref();
        }
        match self.find_job() {
            Ok(found) => self.job.get_or_init(|| found.map(Arc::new)).as_ref(),
            Err(error) => {
                // Not for good: the next time it may be found.
                tracing::warn!(process = %self.identity, %error, "cannot find the job of a process; it alone is meant this time");
                None
            }
        }
    }

    fn find_job(&self) -> io::Result<Option<Job>> {
        let Some(process) = open::open(self.identity.pid, PROCESS_VM_READ | TO_ASK)? else { return Ok(None) };
        let variables = environment::variables_of(process.as_fd())?;
        let run = variables.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(RUN_ID_VARIABLE));
        let Some(run) = run.and_then(|(_, run)| RunId::new(run.to_str()?).ok()) else { return Ok(None) };
        let Some(job) = Job::open(&run)? else { return Ok(None) };
        Ok(job.contains(process.as_fd())?.then_some(job))
    }

    fn kill(&self) -> io::Result<bool> {
        // SAFETY: the handle is open.
        match done(unsafe { TerminateProcess(self.process.as_raw_handle(), KILLED) }) {
            // It is just ending by itself.
            Err(refused) if open::is_refused(&refused) && wait(self.as_fd(), Some(ENDING))? => Ok(false),
            other => other.map(|()| true),
        }
    }

    fn ask(&self, signal: StopSignal) -> io::Result<()> {
        match signal {
            StopSignal::Term | StopSignal::Int | StopSignal::Quit | StopSignal::Hup | StopSignal::Kill => {
                asking::ask(Request { leader: self.identity, run: self.job().map(|job| job.run().clone()) })
            }
            StopSignal::Usr1 | StopSignal::Usr2 | StopSignal::Winch => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!(
                    "Windows has nothing like {}; use SIGTERM (CTRL+BREAK, then WM_CLOSE) or SIGKILL",
                    signal.name()
                ),
            )),
        }
    }
}

/// A process that may not be ended any more ends within this time.
const ENDING: Duration = Duration::from_millis(200);

impl AsFd for Process {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.process.as_fd()
    }
}
