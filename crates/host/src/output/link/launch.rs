//! Starting a logger, and knowing when it listens.

use super::LinkError;
use crate::detach::detach;
use crate::files::create_folders;
use crate::layout::Layout;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;

/// How a logger is started. It leads a session of its own and inherits no descriptor, so that it
/// outlives the monitor and its terminal.
#[derive(Debug)]
pub struct LoggerProgram {
    /// The executable; usually the monitor's own.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// The file to which its own messages are appended.
    pub log: PathBuf,
}

/// What became of a logger that was started.
pub(super) enum Launched {
    /// It listens.
    Listening,
    /// It ended, because there is another.
    Redundant,
}

/// Notices the appearance of the logger's socket.
pub(super) struct Watcher {
    inotify: OwnedFd,
    socket: OsString,
}

impl Watcher {
    pub(super) fn new(layout: &Layout) -> io::Result<Self> {
        create_folders(&layout.state()).map_err(io::Error::other)?;
        let inotify = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
        // The logger renames the socket into place when it listens.
        inotify::add_watch(&inotify, layout.state(), inotify::WatchFlags::MOVED_TO)?;
        let socket = layout.logger_socket().file_name().unwrap_or_default().to_owned();
        Ok(Self { inotify, socket })
    }

    /// Starts a logger and waits until it listens or has ended.
    pub(super) fn launch(&self, program: &LoggerProgram, deadline: Instant) -> Result<Launched, LinkError> {
        let failed = |source| LinkError::Start { program: program.program.clone(), source };
        let mut child = spawn(program).map_err(failed)?;
        match self.wait(&mut child, deadline).map_err(failed)? {
            None => Ok(Launched::Listening),
            Some(status) if status.success() => Ok(Launched::Redundant),
            Some(status) => {
                Err(LinkError::Ended { program: program.program.clone(), how: status.to_string() })
            }
        }
    }

    /// The exit of `child`, or `None` when the socket is there.
    fn wait(&self, child: &mut Child, deadline: Instant) -> io::Result<Option<ExitStatus>> {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
        let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
        loop {
            let mut fds = [PollFd::new(&self.inotify, PollFlags::IN), PollFd::new(&pidfd, PollFlags::IN)];
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
            match poll(&mut fds, Some(&timeout)) {
                Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            if self.has_appeared()? {
                return Ok(None);
            }
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
        }
    }

    fn has_appeared(&self) -> io::Result<bool> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&self.inotify, &mut buffer);
        let mut appeared = false;
        loop {
            match events.next() {
                Ok(event) => {
                    appeared |=
                        event.file_name().is_some_and(|n| n.to_bytes() == self.socket.as_encoded_bytes());
                }
                Err(Errno::AGAIN) => return Ok(appeared),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn spawn(program: &LoggerProgram) -> io::Result<Child> {
    let log = OpenOptions::new().append(true).create(true).mode(0o600).open(&program.log);
    let log = log.inspect_err(|error| tracing::warn!(%error, "the logger's own messages are not kept")).ok();
    let output = || match &log {
        Some(log) => log.try_clone().map(Stdio::from),
        None => Ok(Stdio::null()),
    };
    let mut command = Command::new(&program.program);
    command.args(&program.args).stdin(Stdio::null()).stdout(output()?).stderr(output()?);
    // SAFETY: between fork and exec only system calls are made, which allocate nothing and take no lock.
    unsafe { command.pre_exec(detach) };
    command.spawn()
}
