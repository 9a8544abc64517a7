//! A run's job: whatever the program starts is in it from its first moment and cannot leave it, as no breaking away is allowed
//! (Microsoft, "Job Objects"). It does not end with the monitor.
//!
//! It is found again by its name, which is there as long as anybody has the job open: the monitor, and the program itself, which
//! inherits a handle that can do nothing (see [`Job::keeper`]). When the program has ended while no monitor was there, what it left
//! is found by the run id in the environments ([`super::tree`]).

use crate::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::sys::windows::object::{done, inheritable, is, owned};
use crate::sys::windows::security::OwnerOnly;
use process_monitor_core::id::RunId;
use std::io;
use std::os::windows::io::AsRawHandle;
use windows_sys::Win32::Foundation::{
    ERROR_ALREADY_EXISTS, ERROR_FILE_NOT_FOUND, ERROR_MORE_DATA, GetLastError,
};
use windows_sys::Win32::Storage::FileSystem::SYNCHRONIZE;
use windows_sys::Win32::System::JobObjects::{
    CreateJobObjectW, IsProcessInJob, JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION,
    JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE, JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectBasicProcessIdList,
    JobObjectExtendedLimitInformation, OpenJobObjectW, QueryInformationJobObject, SetInformationJobObject,
    TerminateJobObject,
};
use windows_sys::Win32::System::SystemServices::{JOB_OBJECT_QUERY, JOB_OBJECT_TERMINATE};
use windows_sys::Win32::System::Threading::PROCESS_QUERY_INFORMATION;

/// The exit code of what the monitor kills: what shells say of a death by SIGKILL.
pub const KILLED: u32 = 128 + 9;

/// The right to a process with which one may ask whether it is in a job. (Windows asks for less, Wine for this.)
pub const TO_ASK: u32 = PROCESS_QUERY_INFORMATION;

/// A run's job, held.
#[derive(Debug)]
pub struct Job {
    job: OwnedFd,
    run: RunId,
}

impl Job {
    /// Makes the job of `run`, which goes on without us.
    pub fn create(run: &RunId) -> io::Result<Self> {
        Self::create_with(run, 0)
    }

    /// Makes the job of `run`, all of which ends when nobody has it open any more: with its monitor, at the latest.
    pub fn create_for_us(run: &RunId) -> io::Result<Self> {
        Self::create_with(run, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE)
    }

    fn create_with(run: &RunId, limits: u32) -> io::Result<Self> {
        let private = OwnerOnly::new()?;
        // SAFETY: the attributes are valid, and the name ends with a zero.
        let handle = unsafe { CreateJobObjectW(private.as_ptr(), name(run).as_ptr()) };
        // SAFETY: a plain call. The system says so when it has opened one that was there.
        let existed = unsafe { GetLastError() } == ERROR_ALREADY_EXISTS;
        let job = Self { job: owned(handle)?, run: run.clone() };
        if existed {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("there is a job of the run {run} already"),
            ));
        }
        // A program that crashes ends at once: it does not wait for somebody to read about it in a window.
        limit(job.as_fd(), limits | JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION)?;
        Ok(job)
    }

    /// The job of `run`, if anybody still has it open.
    pub fn open(run: &RunId) -> io::Result<Option<Self>> {
        let access = JOB_OBJECT_QUERY | JOB_OBJECT_TERMINATE | SYNCHRONIZE;
        // SAFETY: the name ends with a zero.
        match owned(unsafe { OpenJobObjectW(access, 0, name(run).as_ptr()) }) {
            Ok(job) => Ok(Some(Self { job, run: run.clone() })),
            Err(none) if is(&none, ERROR_FILE_NOT_FOUND) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whose it is.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// A handle that keeps the job's name alive and can do nothing with the job, for the program to inherit.
    pub fn keeper(&self) -> io::Result<OwnedFd> {
        inheritable(self.as_fd(), Some(SYNCHRONIZE))
    }

    /// Whether `process`, which is held with [`TO_ASK`], is in it.
    pub fn contains(&self, process: BorrowedFd<'_>) -> io::Result<bool> {
        let mut contains = 0;
        // SAFETY: both handles are open, and there is room for the answer.
        done(unsafe {
            IsProcessInJob(process.as_raw_handle(), self.job.as_raw_handle(), &raw mut contains)
        })?;
        Ok(contains != 0)
    }

    /// The numbers of those that are in it and have not ended. Each may end, and its number be another's, at any time.
    pub fn pids(&self) -> io::Result<Vec<u32>> {
        let mut room = 64;
        loop {
            // Two counts of 4 bytes, then the numbers (`JOBOBJECT_BASIC_PROCESS_ID_LIST`).
            let mut list = vec![0_usize; room + 1];
            match self.list(&mut list) {
                Ok(()) => {}
                Err(more) if is(&more, ERROR_MORE_DATA) => {
                    room *= 4;
                    continue;
                }
                Err(error) => return Err(error),
            }
            let (counts, pids) = list.split_first().ok_or(io::ErrorKind::InvalidData)?;
            let listed = counts.to_ne_bytes().last_chunk::<4>().map_or(0, |count| u32::from_ne_bytes(*count));
            return Ok(pids
                .iter()
                .take(listed as usize)
                .filter_map(|pid| u32::try_from(*pid).ok())
                .collect());
        }
    }

    fn list(&self, list: &mut [usize]) -> io::Result<()> {
        let bytes = u32::try_from(size_of_val(list)).map_err(io::Error::other)?;
        // SAFETY: there is as much room as is told.
        done(unsafe {
            let list = list.as_mut_ptr().cast();
            QueryInformationJobObject(
                self.job.as_raw_handle(),
                JobObjectBasicProcessIdList,
                list,
                bytes,
                std::ptr::null_mut(),
            )
        })
    }

    /// Ends everyone in it, at one moment, which none of them outruns.
    pub fn kill(&self) -> io::Result<()> {
        // SAFETY: the handle is open.
        done(unsafe { TerminateJobObject(self.job.as_raw_handle(), KILLED) })
    }
}

impl AsFd for Job {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.job.as_fd()
    }
}

/// A job without a name, whose processes end with the last handle of it.
pub fn unnamed() -> io::Result<OwnedFd> {
    // SAFETY: no attributes and no name.
    let job = owned(unsafe { CreateJobObjectW(std::ptr::null(), std::ptr::null()) })?;
    limit(job.as_fd(), JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE)?;
    Ok(job)
}

fn limit(job: BorrowedFd<'_>, flags: u32) -> io::Result<()> {
    let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
    limits.BasicLimitInformation.LimitFlags = flags;
    let size = size_of_val(&limits) as u32;
    // SAFETY: the handle is open, and the limits have the size that is told.
    done(unsafe {
        let limits = (&raw const limits).cast();
        SetInformationJobObject(job.as_raw_handle(), JobObjectExtendedLimitInformation, limits, size)
    })
}

/// Global, so that a monitor of another session finds it, too; for jobs that takes no privilege.
fn name(run: &RunId) -> Vec<u16> {
    format!("Global\\TomProcessMonitorRun.{run}\0").encode_utf16().collect()
}
