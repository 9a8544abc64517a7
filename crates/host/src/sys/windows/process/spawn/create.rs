//! The new process, suspended.

use super::super::job::Job;
use super::attributes::Attributes;
use super::inheritance::{self, Lent};
use super::prepare::Prepared;
use crate::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::process::spawn::SpawnRequest;
use crate::sys::windows::object::{done, inheritable, owned};
use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::Threading::{
    CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW, CREATE_SUSPENDED, CREATE_UNICODE_ENVIRONMENT, CreateProcessW,
    EXTENDED_STARTUPINFO_PRESENT, PROCESS_INFORMATION, ResumeThread, STARTF_USESTDHANDLES, STARTUPINFOEXW,
};

/// A console of its own without a window, and a group of its own, so that CTRL+BREAK reaches it and its like alone.
const FLAGS: u32 = CREATE_SUSPENDED
    | CREATE_NEW_PROCESS_GROUP
    | CREATE_NO_WINDOW
    | CREATE_UNICODE_ENVIRONMENT
    | EXTENDED_STARTUPINFO_PRESENT;

/// A process that has not begun.
pub struct Unborn {
    /// It.
    pub process: OwnedFd,
    thread: OwnedFd,
}

impl Unborn {
    /// Lets it begin.
    pub fn begin(self) -> io::Result<OwnedFd> {
        // SAFETY: the handle is open.
        match unsafe { ResumeThread(self.thread.as_raw_handle()) } {
            u32::MAX => Err(io::Error::last_os_error()),
            _ => Ok(self.process),
        }
    }
}

/// What it inherits: copies, which are closed here when it exists, and what it keeps, by the same numbers as here ("Handle
/// Inheritance").
pub struct Inherited<'a> {
    null: OwnedFd,
    stdout: OwnedFd,
    stderr: OwnedFd,
    job: Option<OwnedFd>,
    keeps: Vec<Lent<'a>>,
    _allowed: inheritance::Inheritable,
}

impl<'a> Inherited<'a> {
    /// Makes ready what `request` gives, and what keeps the name of `job`.
    pub fn new(request: &SpawnRequest<'a>, job: Option<&Job>) -> io::Result<Self> {
        let allowed = inheritance::allow();
        let copy = |handle: BorrowedFd<'_>| inheritable(handle, None);
        Ok(Self {
            null: copy(File::open("NUL")?.as_fd())?,
            stdout: copy(request.stdout)?,
            stderr: copy(request.stderr)?,
            job: job.map(Job::keeper).transpose()?,
            keeps: Lent::all(request.keeps)?,
            _allowed: allowed,
        })
    }

    fn all(&self) -> Vec<HANDLE> {
        let named = [&self.null, &self.stdout, &self.stderr].into_iter().chain(&self.job);
        let kept = self.keeps.iter().map(Lent::raw);
        named.map(AsRawHandle::as_raw_handle).chain(kept).collect()
    }
}

/// Makes the process, in `job`.
pub fn create(prepared: &Prepared, inherited: &Inherited<'_>, job: &Job) -> io::Result<Unborn> {
    let (handles, jobs) = (inherited.all(), [job.as_fd().as_raw_handle()]);
    let mut attributes = Attributes::new(&handles, &jobs)?;
    let startup = startup(inherited, &mut attributes);
    let directory = prepared.directory.as_ref().map_or(std::ptr::null(), |directory| directory.as_ptr());
    // The system writes into it.
    let mut command_line = prepared.command_line.clone();
    let mut made = PROCESS_INFORMATION::default();
    // SAFETY: all texts end with zeros and the environment with two; the attributes and what they point to live until the end of
    // the call.
    done(unsafe {
        CreateProcessW(
            prepared.application.as_ptr(),
            command_line.as_mut_ptr(),
            std::ptr::null(),
            std::ptr::null(),
            1,
            FLAGS,
            prepared.environment.as_ptr().cast(),
            directory,
            (&raw const startup).cast(),
            &raw mut made,
        )
    })?;
    let (process, thread) = (owned(made.hProcess), owned(made.hThread));
    Ok(Unborn { process: process?, thread: thread? })
}

fn startup(inherited: &Inherited<'_>, attributes: &mut Attributes<'_>) -> STARTUPINFOEXW {
    let mut startup = STARTUPINFOEXW::default();
    startup.StartupInfo.cb = size_of::<STARTUPINFOEXW>() as u32;
    startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    startup.StartupInfo.hStdInput = inherited.null.as_raw_handle();
    startup.StartupInfo.hStdOutput = inherited.stdout.as_raw_handle();
    startup.StartupInfo.hStdError = inherited.stderr.as_raw_handle();
    startup.lpAttributeList = attributes.list();
    startup
}
