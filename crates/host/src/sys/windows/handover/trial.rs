//! A program that is tried: it runs in a job that is ended with all that is in it when its time is over.

use crate::fd::OwnedFd;
use crate::sys::windows::object::{done, wait};
use crate::sys::windows::process::job;
use crate::sys::windows::process::spawn::inheritance;
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle};
use std::os::windows::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;
use windows_sys::Win32::System::JobObjects::AssignProcessToJobObject;
use windows_sys::Win32::System::Threading::CREATE_NO_WINDOW;

/// One that runs. What is left of it ends when this is dropped.
pub struct Trial {
    child: Child,
    _job: OwnedFd,
}

impl Trial {
    /// Starts `command` in a job of its own, without a window. What it may write is not bounded by this system, only its time is.
    ///
    /// # Errors
    /// What the system said.
    pub fn start(command: &mut Command, _most: u64) -> io::Result<Self> {
        let job = job::unnamed()?;
        let mut child = inheritance::alone(|| command.creation_flags(CREATE_NO_WINDOW).spawn())?;
        // SAFETY: both are open.
        let taken_in = done(unsafe { AssignProcessToJobObject(job.as_raw_handle(), child.as_raw_handle()) });
        // It may have ended already, which is no failure.
        if let Err(refused) = taken_in
            && child.try_wait()?.is_none()
        {
            child.kill()?;
            return Err(refused);
        }
        Ok(Self { child, _job: job })
    }

    /// How it ended; `None`: it did not in time, and was killed.
    ///
    /// # Errors
    /// What the system said.
    pub fn end(mut self, within: Duration) -> io::Result<Option<ExitStatus>> {
        if wait(self.child.as_handle(), Some(within))? {
            return self.child.wait().map(Some);
        }
        self.child.kill()?;
        self.child.wait().map(|_| None)
    }
}
