//! Letting a process go that was recorded and never began.

use super::{environment, open};
use crate::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::sys::windows::object::{done, is, owned};
use std::io;
use std::os::windows::io::AsRawHandle;
use windows_sys::Win32::Foundation::{ERROR_INVALID_PARAMETER, ERROR_NO_MORE_FILES};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
};
use windows_sys::Win32::System::Threading::{
    OpenThread, PROCESS_VM_READ, ResumeThread, THREAD_SUSPEND_RESUME,
};

/// Lets `process` go if nothing of it has run yet. To one that is about to begin that means nothing: what is not suspended cannot be
/// resumed. One that is not for us to look into is not ours to let go.
pub fn if_it_never_began(process: BorrowedFd<'_>) -> io::Result<()> {
    let pid = open::pid_of(process);
    let inside = match open::open(pid, PROCESS_VM_READ) {
        Err(refused) if open::is_refused(&refused) => return Ok(()),
        other => other?,
    };
    let Some(inside) = inside else { return Ok(()) };
    match environment::has_begun(inside.as_fd()) {
        Ok(false) => {}
        // Who has ended, perhaps just now, shows nothing any more.
        Err(error) if !open::has_ended(process)? => return Err(error),
        _ => return Ok(()),
    }
    for thread in threads(pid)? {
        let Some(thread) = thread_to_resume(thread)? else { continue };
        // SAFETY: the handle is open.
        if unsafe { ResumeThread(thread.as_fd().as_raw_handle()) } == u32::MAX {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

fn thread_to_resume(id: u32) -> io::Result<Option<OwnedFd>> {
    // SAFETY: a plain call without pointers.
    match owned(unsafe { OpenThread(THREAD_SUSPEND_RESUME, 0, id) }) {
        Ok(thread) => Ok(Some(thread)),
        // It has ended; or it is not for us, and then we are not the one who has started it.
        Err(error) if is(&error, ERROR_INVALID_PARAMETER) || open::is_refused(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn threads(pid: u32) -> io::Result<Vec<u32>> {
    // SAFETY: a plain call without pointers.
    let snapshot = owned(unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0) })?;
    let mut entry = THREADENTRY32 { dwSize: size_of::<THREADENTRY32>() as u32, ..Default::default() };
    let mut threads = Vec::new();
    // SAFETY: the snapshot is open, and the entry says how large it is.
    let mut found = done(unsafe { Thread32First(snapshot.as_raw_handle(), &raw mut entry) });
    while found.is_ok() {
        if entry.th32OwnerProcessID == pid {
            threads.push(entry.th32ThreadID);
        }
        // SAFETY: as above.
        found = done(unsafe { Thread32Next(snapshot.as_raw_handle(), &raw mut entry) });
    }
    match found {
        Err(error) if !is(&error, ERROR_NO_MORE_FILES) => Err(error),
        _ => Ok(threads),
    }
}
