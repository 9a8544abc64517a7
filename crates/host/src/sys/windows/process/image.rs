//! Which file a process executes.

use crate::fd::BorrowedFd;
use crate::sys::windows::object::done;
use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::io::AsRawHandle;
use std::path::PathBuf;
use windows_sys::Win32::System::Threading::{PROCESS_NAME_WIN32, QueryFullProcessImageNameW};

/// The longest path there is, in units of UTF-16 ("Maximum Path Length Limitation").
const ROOM: usize = 32 << 10;

/// The file that `process` executes (`QueryFullProcessImageNameW`); `None` when that is not for us to see.
pub fn of(process: BorrowedFd<'_>) -> Option<PathBuf> {
    let mut path = vec![0_u16; ROOM];
    let mut length = ROOM as u32;
    // SAFETY: the handle is open, and there is as much room as is told.
    done(unsafe {
        QueryFullProcessImageNameW(
            process.as_raw_handle(),
            PROCESS_NAME_WIN32,
            path.as_mut_ptr(),
            &raw mut length,
        )
    })
    .ok()?;
    Some(OsString::from_wide(path.get(..length as usize)?).into())
}
