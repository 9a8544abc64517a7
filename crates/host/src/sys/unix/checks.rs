//! Running the program of a check, and reading what it prints.

use super::limits;
use super::spawn::signals::unblock_all;
use crate::process::Process;
use crate::process::spawn::{NOT_FOR_PROGRAMS, PROCESS_ID_VARIABLE, RUN_ID_VARIABLE};
use crate::sys::inherit;
use crate::sys::terms::CheckStart;
use std::io::{self, PipeReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use tokio::net::unix::pipe;

/// Starts the program of a check, which is a child of this thread from then on.
///
/// # Errors
/// What the system said.
pub fn start(check: &CheckStart<'_>) -> io::Result<Process> {
    let mut command = Command::new(check.file);
    command.arg0(check.command).args(check.args).stdin(Stdio::null());
    command.stdout(check.output.try_clone()?).stderr(check.output.try_clone()?);
    for name in NOT_FOR_PROGRAMS {
        command.env_remove(name);
    }
    command.envs(check.environment.iter().map(|(name, value)| (name, value)));
    command.env(RUN_ID_VARIABLE, check.run.as_str()).env(PROCESS_ID_VARIABLE, check.process.as_str());
    if let Some(folder) = check.working_directory {
        command.current_dir(folder);
    }
    // SAFETY: between fork and exec only system calls are made, and nothing is allocated.
    unsafe { command.pre_exec(in_child) };
    // The writing ends that `command` holds go with it: they would keep the pipe open.
    Process::of_child(command.spawn()?.id())
}

fn in_child() -> io::Result<()> {
    rustix::process::setsid()?;
    // `Command` leaves them as they are in this thread: a shell would wait for ever for a child of its own.
    unblock_all();
    // Should the monitor be killed, nobody would keep its time any more.
    inherit::end_with_parent()?;
    // macOS marks a descriptor a moment after it has made it: another thread may be in between.
    inherit::nothing()?;
    limits::restore_nofile()
}

/// What a check prints.
pub struct Printed(pipe::Receiver);

impl Printed {
    /// # Errors
    /// When the runtime cannot take the pipe.
    pub fn new(pipe: PipeReader) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&pipe, true)?;
        pipe::Receiver::from_owned_fd(pipe.into()).map(Self)
    }

    /// Waits until there is something to read, its end included.
    ///
    /// # Errors
    /// When the runtime ends.
    pub async fn readable(&self) -> io::Result<()> {
        self.0.readable().await
    }

    /// Reads what is there. 0: there will never be any more; [`io::ErrorKind::WouldBlock`]: nothing yet.
    ///
    /// # Errors
    /// What the system said.
    pub fn try_read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(bytes)
    }
}
