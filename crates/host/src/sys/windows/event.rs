//! An event that stays signalled until it is reset (`CreateEventW`).

use crate::fd::{AsFd, BorrowedFd};
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use windows_sys::Win32::Foundation::{HANDLE, WAIT_OBJECT_0};
use windows_sys::Win32::System::Threading::{CreateEventW, ResetEvent, SetEvent, WaitForSingleObject};

/// Signalled or not. Nothing inherits it.
#[derive(Debug)]
pub struct Event(OwnedHandle);

impl Event {
    /// Not signalled yet.
    ///
    /// # Errors
    /// When there is no handle left.
    pub fn new() -> io::Result<Self> {
        // SAFETY: no attributes and no name.
        let event = unsafe { CreateEventW(ptr::null(), 1, 0, ptr::null()) };
        if event.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it was just made, and is nobody else's.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(event) }))
    }

    /// Signals it.
    ///
    /// # Errors
    /// None, as long as it is open.
    pub fn set(&self) -> io::Result<()> {
        // SAFETY: the handle is open.
        if unsafe { SetEvent(self.0.as_raw_handle()) } == 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }

    /// Makes it wait again.
    ///
    /// # Errors
    /// None, as long as it is open.
    pub fn reset(&self) -> io::Result<()> {
        // SAFETY: the handle is open.
        if unsafe { ResetEvent(self.0.as_raw_handle()) } == 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }

    /// Whether it is signalled.
    pub fn is_set(&self) -> bool {
        is_signalled(self.0.as_handle())
    }

    /// For functions of the system.
    pub fn raw(&self) -> HANDLE {
        self.0.as_raw_handle()
    }
}

impl AsFd for Event {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_handle()
    }
}

/// Whether a wait for `handle` would end at once.
pub fn is_signalled(handle: BorrowedFd<'_>) -> bool {
    // SAFETY: the handle is open.
    unsafe { WaitForSingleObject(handle.as_raw_handle(), 0) == WAIT_OBJECT_0 }
}
