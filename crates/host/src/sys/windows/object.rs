//! Handles of the system, as Rust owns them, and waiting for one.

use crate::fd::{BorrowedFd, OwnedFd};
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle};
use std::time::{Duration, Instant};
use windows_sys::Win32::Foundation::{
    DUPLICATE_SAME_ACCESS, DuplicateHandle, HANDLE, INVALID_HANDLE_VALUE, WAIT_OBJECT_0, WAIT_TIMEOUT,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, WaitForSingleObject};
use windows_sys::core::BOOL;

/// The longest time that one wait can be told; one more means "for good" (`INFINITE`).
const LONGEST_WAIT_MILLIS: u32 = u32::MAX - 1;

/// What the caller of a function of the system got, or why it got nothing.
pub fn owned(handle: HANDLE) -> io::Result<OwnedFd> {
    if handle.is_null() || handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the system has just given it to the caller, who gives it away here.
    Ok(unsafe { OwnedFd::from_raw_handle(handle) })
}

/// The answer of a function that says whether it did what it was asked for.
pub fn done(answer: BOOL) -> io::Result<()> {
    if answer == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Whether `error` is the system's error of number `code`.
pub fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error() == Some(code.cast_signed())
}

/// A copy of `handle` that a program which is started inherits, with the same rights, or with `access` alone.
pub fn inheritable(handle: BorrowedFd<'_>, access: Option<u32>) -> io::Result<OwnedFd> {
    let mut copy: HANDLE = std::ptr::null_mut();
    let options = if access.is_none() { DUPLICATE_SAME_ACCESS } else { 0 };
    // SAFETY: both processes are this one, the handle is open, and there is room for the answer.
    done(unsafe {
        let me = GetCurrentProcess();
        DuplicateHandle(me, handle.as_raw_handle(), me, &raw mut copy, access.unwrap_or(0), 1, options)
    })?;
    owned(copy)
}

/// Waits until `handle` is signalled, at most `timeout` (`None`: for good), and says whether it is. A process is from its end on.
pub fn wait(handle: BorrowedFd<'_>, timeout: Option<Duration>) -> io::Result<bool> {
    let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let millis = left.map_or(LONGEST_WAIT_MILLIS, millis_of);
        // SAFETY: the handle is open.
        match unsafe { WaitForSingleObject(handle.as_raw_handle(), millis) } {
            WAIT_OBJECT_0 => return Ok(true),
            WAIT_TIMEOUT if left.is_some_and(|left| millis_of(left) < LONGEST_WAIT_MILLIS) => {
                return Ok(false);
            }
            WAIT_TIMEOUT => {}
            _ => return Err(io::Error::last_os_error()),
        }
    }
}

/// No wait is shorter than it was asked to be.
fn millis_of(time: Duration) -> u32 {
    u32::try_from(time.as_nanos().div_ceil(1_000_000))
        .map_or(LONGEST_WAIT_MILLIS, |millis| millis.min(LONGEST_WAIT_MILLIS))
}
