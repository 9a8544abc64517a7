//! An event that stays signalled until it is reset (`CreateEventW`).

use super::object::{done, owned};
use crate::fd::{AsFd, BorrowedFd, OwnedFd};
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle};
use std::ptr;
use windows_sys::Win32::Foundation::{HANDLE, WAIT_OBJECT_0};
use windows_sys::Win32::System::Threading::{CreateEventW, ResetEvent, SetEvent, WaitForSingleObject};

/// Signalled or not. Nothing inherits it.
#[derive(Debug)]
pub struct Event(OwnedFd);

impl Event {
    /// Not signalled yet.
    ///
    /// # Errors
    /// When there is no handle left.
    pub fn new() -> io::Result<Self> {
        // SAFETY: no attributes and no name.
        owned(unsafe { CreateEventW(ptr::null(), 1, 0, ptr::null()) }).map(Self)
    }

    /// Signals it.
    ///
    /// # Errors
    /// None, as long as it is open.
    pub fn set(&self) -> io::Result<()> {
        // SAFETY: the handle is open.
        done(unsafe { SetEvent(self.0.as_raw_handle()) })
    }

    /// Makes it wait again.
    ///
    /// # Errors
    /// None, as long as it is open.
    pub fn reset(&self) -> io::Result<()> {
        // SAFETY: the handle is open.
        done(unsafe { ResetEvent(self.0.as_raw_handle()) })
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
