//! Keeping what one program is to inherit from all others.
//!
//! What a program inherits has to be inheritable in the monitor for the moment of its start. A start of ours names what it wants;
//! one by the standard library takes everything that is inheritable just then, and would keep the end of a program's output for as
//! long as it runs. So these are never under way at the same time.

use crate::fd::BorrowedFd;
use crate::sys::windows::object::done;
use std::io;
use std::os::windows::io::AsRawHandle;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use windows_sys::Win32::Foundation::{HANDLE, HANDLE_FLAG_INHERIT, SetHandleInformation};

static STARTS: RwLock<()> = RwLock::new(());

/// While this lives, handles may be inheritable.
pub struct Inheritable {
    _others_wait: RwLockReadGuard<'static, ()>,
}

/// For a start that names what is inherited.
pub fn allow() -> Inheritable {
    Inheritable { _others_wait: STARTS.read().unwrap_or_else(PoisonError::into_inner) }
}

/// Runs `start`, which starts a process by the standard library, at a time when nothing else is inheritable.
pub fn alone<T>(start: impl FnOnce() -> T) -> T {
    let _alone = STARTS.write().unwrap_or_else(PoisonError::into_inner);
    start()
}

/// A handle of somebody else that is inheritable as long as this lives.
pub struct Lent<'a>(BorrowedFd<'a>);

impl<'a> Lent<'a> {
    /// Makes `handle` inheritable. To be called under [`allow`] or [`alone`].
    ///
    /// # Errors
    /// What the system said.
    pub fn new(handle: BorrowedFd<'a>) -> io::Result<Self> {
        set_inheritable(handle, true).map(|()| Self(handle))
    }

    /// All of these, or none.
    ///
    /// # Errors
    /// What the system said.
    pub fn all(handles: &[BorrowedFd<'a>]) -> io::Result<Vec<Self>> {
        handles.iter().map(|handle| Self::new(*handle)).collect()
    }

    /// Its number, which who inherits it has, too.
    pub fn raw(&self) -> HANDLE {
        self.0.as_raw_handle()
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Err(error) = set_inheritable(self.0, false) {
            tracing::error!(%error, "cannot keep a handle from other programs");
        }
    }
}

/// Has programs inherit `handle` from now on, or not.
///
/// # Errors
/// What the system said.
pub fn set_inheritable(handle: BorrowedFd<'_>, inheritable: bool) -> io::Result<()> {
    let flag = if inheritable { HANDLE_FLAG_INHERIT } else { 0 };
    // SAFETY: the handle is open.
    done(unsafe { SetHandleInformation(handle.as_raw_handle(), HANDLE_FLAG_INHERIT, flag) })
}
