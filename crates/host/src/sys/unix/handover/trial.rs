//! A program that is tried: killed with all that it has started when its time is over.

use crate::sys::process::exit_watch::ExitWatch;
use crate::sys::unix::detach::detach;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, setrlimit};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

/// One that runs.
pub struct Trial(Child);

impl Trial {
    /// Starts `command` in a session of its own, so that all of it can be killed. It may write `most` bytes into any file.
    ///
    /// # Errors
    /// What the system said.
    pub fn start(command: &mut Command, most: u64) -> io::Result<Self> {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        // SAFETY: runs in the forked child and makes only system calls: no allocation, no locks.
        unsafe {
            command.pre_exec(move || {
                setrlimit(Resource::Fsize, limit)?;
                detach()
            });
        }
        command.spawn().map(Self)
    }

    /// How it ended; `None`: it did not in time, and was killed.
    ///
    /// # Errors
    /// What the system said.
    pub fn end(mut self, within: Duration) -> io::Result<Option<ExitStatus>> {
        let pid = Pid::from_child(&self.0);
        let in_time = ExitWatch::of_child(self.0.id()).and_then(|child| child.wait(Some(within)));
        // Also what it may have started. It is not reaped yet, so the number is its own.
        let killed = kill_process_group(pid, Signal::KILL);
        if !matches!(in_time, Ok(true)) && killed.is_err() {
            self.0.kill()?;
        }
        let status = self.0.wait()?;
        Ok(in_time?.then_some(status))
    }
}
