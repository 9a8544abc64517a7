//! Talking to the service control manager.

use crate::sys::users::wide;
use std::io;
use std::ptr;
use windows_sys::Win32::System::Services::{CloseServiceHandle, OpenSCManagerW, OpenServiceW, SC_HANDLE};

/// A handle of the manager or of a service.
pub struct Handle(SC_HANDLE);

impl Handle {
    /// What a function of the system gave.
    ///
    /// # Errors
    /// What it said, when it gave none.
    pub fn new(handle: SC_HANDLE) -> io::Result<Self> {
        if handle.is_null() { Err(io::Error::last_os_error()) } else { Ok(Self(handle)) }
    }

    /// The manager of this machine.
    ///
    /// # Errors
    /// [`io::ErrorKind::PermissionDenied`] for who may not do that.
    pub fn manager(access: u32) -> io::Result<Self> {
        // SAFETY: no names: this machine, and its active services.
        Self::new(unsafe { OpenSCManagerW(ptr::null(), ptr::null(), access) })
    }

    /// The service `name`.
    ///
    /// # Errors
    /// What the system said: that there is none, or that we may not do that.
    pub fn service(&self, name: &str, access: u32) -> io::Result<Self> {
        let name = wide(name);
        // SAFETY: the name is null-terminated.
        Self::new(unsafe { OpenServiceW(self.0, name.as_ptr(), access) })
    }

    /// For functions of the system.
    pub fn as_raw(&self) -> SC_HANDLE {
        self.0
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: it is open, and nobody else's.
        unsafe { CloseServiceHandle(self.0) };
    }
}
