//! Locks on a file: `LockFileEx`. They bind everybody, so one byte is locked that no file has: who has no part in the lock can
//! read and write meanwhile.

use crate::sys::windows::object::{done, is};
use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle;
use windows_sys::Win32::Foundation::{ERROR_IO_PENDING, ERROR_LOCK_VIOLATION};
use windows_sys::Win32::Storage::FileSystem::{
    LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx,
};
use windows_sys::Win32::System::IO::{OVERLAPPED, OVERLAPPED_0, OVERLAPPED_0_0};

/// Where the byte is, its upper half.
const FAR_BEYOND: u32 = 0x4000_0000;

/// Waits for the lock of `file`, for us alone.
///
/// # Errors
/// What the system said.
pub fn lock(file: &File) -> io::Result<()> {
    take(file, LOCKFILE_EXCLUSIVE_LOCK)
}

/// Waits for the lock of `file`, together with others who do the same.
///
/// # Errors
/// What the system said.
pub fn lock_shared(file: &File) -> io::Result<()> {
    take(file, 0)
}

/// As [`lock_shared`], without waiting; `false`: somebody has it for himself alone.
///
/// # Errors
/// What the system said.
pub fn try_lock_shared(file: &File) -> io::Result<bool> {
    match take(file, LOCKFILE_FAIL_IMMEDIATELY) {
        Ok(()) => Ok(true),
        Err(error) if is_taken(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_taken(error: &io::Error) -> bool {
    is(error, ERROR_LOCK_VIOLATION) || is(error, ERROR_IO_PENDING)
}

fn take(file: &File, flags: u32) -> io::Result<()> {
    let place = OVERLAPPED_0_0 { Offset: 0, OffsetHigh: FAR_BEYOND };
    let mut place = OVERLAPPED { Anonymous: OVERLAPPED_0 { Anonymous: place }, ..OVERLAPPED::default() };
    // SAFETY: the handle is open and not overlapped, so the call has ended when it returns.
    done(unsafe { LockFileEx(file.as_raw_handle(), flags, 0, 1, 0, &raw mut place) })
}
