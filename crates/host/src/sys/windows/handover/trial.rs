//! A program that is tried: it runs in a job that is ended with all that is in it when its time is over.

use crate::fd::OwnedFd;
use crate::sys::windows::process::spawn::inheritance;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle};
use std::os::windows::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::ptr;
use std::time::Duration;
use windows_sys::Win32::Foundation::WAIT_OBJECT_0;
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation, SetInformationJobObject,
};
use windows_sys::Win32::System::Threading::{CREATE_NO_WINDOW, WaitForSingleObject};

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
        let job = job()?;
        let mut child = inheritance::alone(|| command.creation_flags(CREATE_NO_WINDOW).spawn())?;
        // SAFETY: both are open.
        if unsafe { AssignProcessToJobObject(job.as_raw_handle(), child.as_raw_handle()) } == 0 {
            let refused = io::Error::last_os_error();
            // It may have ended already, which is no failure.
            if child.try_wait()?.is_none() {
                child.kill()?;
                return Err(refused);
            }
        }
        Ok(Self { child, _job: job })
    }

    /// How it ended; `None`: it did not in time, and was killed.
    ///
    /// # Errors
    /// What the system said.
    pub fn end(mut self, within: Duration) -> io::Result<Option<ExitStatus>> {
        let millis = u32::try_from(within.as_millis()).unwrap_or(u32::MAX - 1);
        // SAFETY: the child is open as long as the call.
        if unsafe { WaitForSingleObject(self.child.as_raw_handle(), millis) } == WAIT_OBJECT_0 {
            return self.child.wait().map(Some);
        }
        self.child.kill()?;
        self.child.wait().map(|_| None)
    }
}

/// A job without a name, whose processes end with the last handle of it.
fn job() -> io::Result<OwnedFd> {
    let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    let size = size_of_val(&limits) as u32;
    // SAFETY: the job is nobody else's, and what is told of it has the size that is given.
    unsafe {
        let job = CreateJobObjectW(ptr::null(), ptr::null());
        if job.is_null() {
            return Err(io::Error::last_os_error());
        }
        let job = OwnedFd::from_raw_handle(job);
        let told = (&raw const limits).cast();
        match SetInformationJobObject(job.as_raw_handle(), JobObjectExtendedLimitInformation, told, size) {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(job),
        }
    }
}
