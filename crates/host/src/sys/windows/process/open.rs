//! Taking hold of a process by its number.

use crate::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::process::identity::Identity;
use crate::sys::windows::object::{done, is, owned, wait};
use std::io;
use std::os::windows::io::AsRawHandle;
use std::time::Duration;
use windows_sys::Wdk::System::Threading::{NtQueryInformationProcess, ProcessBasicInformation};
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_INVALID_PARAMETER, FILETIME, NTSTATUS, RtlNtStatusToDosError,
};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetProcessId, GetProcessTimes, OpenProcess, PROCESS_BASIC_INFORMATION,
    PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE,
};

/// Enough to know which process it is, and when it ends.
pub const LOOK: u32 = PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SYNCHRONIZE;

/// Opens `pid` with `access` (and [`LOOK`]); `None` when there is no such process. It may have ended: a number is not given away as
/// long as anybody holds the process.
pub fn open(pid: u32, access: u32) -> io::Result<Option<OwnedFd>> {
    // SAFETY: a plain call without pointers.
    let handle = match owned(unsafe { OpenProcess(access | LOOK, 0, pid) }) {
        Ok(handle) => handle,
        Err(none) if is(&none, ERROR_INVALID_PARAMETER) => return Ok(None),
        Err(error) => return Err(error),
    };
    // The system rounds numbers down to one that a process can have.
    Ok((pid_of(handle.as_fd()) == pid).then_some(handle))
}

/// Opens `pid` with `access`, or if that is refused, only to look.
pub fn open_or_look(pid: u32, access: u32) -> io::Result<Option<OwnedFd>> {
    match open(pid, access) {
        Err(refused) if is_refused(&refused) => open(pid, 0),
        other => other,
    }
}

/// Whether the process is there but not for us.
pub fn is_refused(error: &io::Error) -> bool {
    is(error, ERROR_ACCESS_DENIED)
}

/// The number of a process that is held.
pub fn pid_of(process: BorrowedFd<'_>) -> u32 {
    // SAFETY: the handle is open.
    unsafe { GetProcessId(process.as_raw_handle()) }
}

/// Whether a process that is held has ended.
pub fn has_ended(process: BorrowedFd<'_>) -> io::Result<bool> {
    wait(process, Some(Duration::ZERO))
}

/// Which process it is that is held.
pub fn identity(process: BorrowedFd<'_>) -> io::Result<Identity> {
    Ok(Identity { pid: pid_of(process), start_time: created(process)? })
}

/// When a process that is held was made, in 100 ns since 1601, as the clock stood then (`GetProcessTimes`).
pub fn created(process: BorrowedFd<'_>) -> io::Result<u64> {
    let [mut created, mut exited, mut kernel, mut user] = [FILETIME::default(); 4];
    // SAFETY: the handle is open, and there is room for each answer.
    done(unsafe {
        let process = process.as_raw_handle();
        GetProcessTimes(process, &raw mut created, &raw mut exited, &raw mut kernel, &raw mut user)
    })?;
    Ok(u64::from(created.dwHighDateTime) << 32 | u64::from(created.dwLowDateTime))
}

/// Whether this very process has started the one that is held, and not another that had our number before.
pub fn is_our_child(process: BorrowedFd<'_>) -> io::Result<bool> {
    if basics(process)?.InheritedFromUniqueProcessId != std::process::id() as usize {
        return Ok(false);
    }
    // SAFETY: what a plain call gives, which need not be closed.
    let me = unsafe { BorrowedFd::borrow_raw(GetCurrentProcess()) };
    Ok(created(process)? >= created(me)?)
}

/// The number of the process that has started this one.
pub fn parent() -> io::Result<u32> {
    // SAFETY: what a plain call gives, which need not be closed.
    let me = unsafe { BorrowedFd::borrow_raw(GetCurrentProcess()) };
    u32::try_from(basics(me)?.InheritedFromUniqueProcessId).map_err(io::Error::other)
}

/// What the system tells of every process (`NtQueryInformationProcess`).
pub fn basics(process: BorrowedFd<'_>) -> io::Result<PROCESS_BASIC_INFORMATION> {
    let mut told = PROCESS_BASIC_INFORMATION::default();
    let size = size_of_val(&told) as u32;
    // SAFETY: the handle is open, and there is as much room as is told.
    let status = unsafe {
        let room = (&raw mut told).cast();
        NtQueryInformationProcess(
            process.as_raw_handle(),
            ProcessBasicInformation,
            room,
            size,
            std::ptr::null_mut(),
        )
    };
    if status < 0 { Err(of_status(status)) } else { Ok(told) }
}

/// The error that `status` of a function of `ntdll` means.
pub fn of_status(status: NTSTATUS) -> io::Error {
    // SAFETY: a plain call without pointers.
    io::Error::from_raw_os_error(unsafe { RtlNtStatusToDosError(status) }.cast_signed())
}
