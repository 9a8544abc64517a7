//! Waiting for a few handles: `WaitForMultipleObjects`.

use super::event::is_signalled;
use super::time::millis;
use crate::fd::BorrowedFd;
use std::io::{self, ErrorKind};
use std::os::windows::io::AsRawHandle;
use std::time::Duration;
use windows_sys::Win32::Foundation::WAIT_FAILED;
use windows_sys::Win32::System::SystemServices::MAXIMUM_WAIT_OBJECTS;
use windows_sys::Win32::System::Threading::WaitForMultipleObjects;

/// Waits until one of `sources`, which are at most 64, is signalled, at most `timeout` (`None`: for good), and says which are.
///
/// # Errors
/// When there are too many, or one cannot be waited for.
pub fn any(sources: &[BorrowedFd<'_>], timeout: Option<Duration>) -> io::Result<Vec<bool>> {
    let handles: Vec<_> = sources.iter().map(AsRawHandle::as_raw_handle).collect();
    let count = u32::try_from(handles.len()).unwrap_or(u32::MAX);
    if count > MAXIMUM_WAIT_OBJECTS {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "more than 64 things cannot be waited for at once",
        ));
    }
    if handles.is_empty() {
        std::thread::sleep(timeout.unwrap_or(Duration::MAX));
        return Ok(Vec::new());
    }
    // SAFETY: the handles are open as long as they are borrowed.
    if unsafe { WaitForMultipleObjects(count, handles.as_ptr(), 0, millis(timeout)) } == WAIT_FAILED {
        return Err(io::Error::last_os_error());
    }
    Ok(sources.iter().map(|source| is_signalled(*source)).collect())
}
