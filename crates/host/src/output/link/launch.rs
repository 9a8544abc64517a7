//! Starting a logger, and knowing when it listens.

use super::LinkError;
use crate::detach;
use crate::fd::AsFd;
use crate::files::{FileId, create_folders};
use crate::layout::Layout;
use crate::sys::files::open_appending;
use crate::sys::folders::FolderEvents;
use crate::sys::process::exit_watch::ExitWatch;
use crate::sys::terms::FolderInterest;
use crate::sys::wait;
use std::ffi::OsString;
use std::io;
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
    events: FolderEvents,
    socket: PathBuf,
    /// Which file had its name before: one that a killed logger left.
    before: Option<FileId>,
}

impl Watcher {
    pub(super) fn new(layout: &Layout) -> io::Result<Self> {
        create_folders(&layout.state()).map_err(io::Error::other)?;
        let events = FolderEvents::new()?;
        // The logger renames the socket into place when it listens, so that it never has the number of the one before.
        events.watch(&layout.state(), FolderInterest { comes: true, ..FolderInterest::default() })?;
        let socket = layout.logger_socket();
        let before = FileId::at(&socket).ok();
        Ok(Self { events, socket, before })
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
        let exit = ExitWatch::of_child(child.id())?;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if wait::any(&[self.events.as_fd(), exit.as_fd()], Some(left))? == [false, false] {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.events.drain(|_| {})?;
            if FileId::at(&self.socket).is_ok_and(|now| Some(now) != self.before) {
                return Ok(None);
            }
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
        }
    }
}

fn spawn(program: &LoggerProgram) -> io::Result<Child> {
    let log = open_appending(&program.log);
    let log = log.inspect_err(|error| tracing::warn!(%error, "the logger's own messages are not kept")).ok();
    let output = || match &log {
        Some(log) => log.try_clone().map(Stdio::from),
        None => Ok(Stdio::null()),
    };
    let mut command = Command::new(&program.program);
    command.args(&program.args).stdin(Stdio::null()).stdout(output()?).stderr(output()?);
    detach::spawn(&mut command, &[])
}
