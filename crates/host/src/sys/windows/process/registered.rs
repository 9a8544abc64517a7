//! Being called when a handle is signalled: one thread of the system's pool waits for up to 63 at once
//! (`RegisterWaitForSingleObject`), so nobody waits by a thread of his own.

use crate::fd::{AsFd, BorrowedFd};
use crate::sys::windows::object::done;
use std::ffi::c_void;
use std::io;
use std::os::windows::io::AsRawHandle;
use tokio::sync::oneshot;
use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Threading::{
    INFINITE, RegisterWaitForSingleObject, UnregisterWaitEx, WT_EXECUTEONLYONCE,
};

/// Waits, in any runtime, until `handle` is signalled.
pub async fn signalled(handle: impl AsFd) -> io::Result<()> {
    let (sender, receiver) = oneshot::channel();
    let registered = Registered::new(handle.as_fd(), sender)?;
    // The sender lives as long as the registration.
    let told = receiver.await.map_err(io::Error::other);
    drop(registered);
    told
}

/// A wait that is under way. The handle that is waited for outlives it: who made it borrows that.
struct Registered {
    wait: HANDLE,
    /// What the callback takes its sender from, a `Box<Option<Sender>>`.
    sender: *mut Option<oneshot::Sender<()>>,
}

// SAFETY: the handle may be used by any thread, and the sender is the callback's alone until that is over.
unsafe impl Send for Registered {}

impl Registered {
    fn new(handle: BorrowedFd<'_>, sender: oneshot::Sender<()>) -> io::Result<Self> {
        let mut registered =
            Self { wait: std::ptr::null_mut(), sender: Box::into_raw(Box::new(Some(sender))) };
        let context = registered.sender.cast::<c_void>();
        // SAFETY: the handle is open, and the context is there until `drop` has seen the callback's end.
        done(unsafe {
            RegisterWaitForSingleObject(
                &raw mut registered.wait,
                handle.as_raw_handle(),
                Some(tell),
                context,
                INFINITE,
                WT_EXECUTEONLYONCE,
            )
        })?;
        Ok(registered)
    }
}

unsafe extern "system" fn tell(context: *mut c_void, _timed_out: bool) {
    // SAFETY: it is the box of a `Registered`, which nobody else touches until this has returned.
    let sender = unsafe { &mut *context.cast::<Option<oneshot::Sender<()>>>() };
    if let Some(sender) = sender.take() {
        // Nobody listens any more when the wait was given up.
        let _ = sender.send(());
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        if !self.wait.is_null() {
            // SAFETY: it was registered. Given this value for an event, the call returns when no callback runs any more.
            unsafe { UnregisterWaitEx(self.wait, INVALID_HANDLE_VALUE) };
        }
        // SAFETY: it comes from a box, and the callback is over.
        drop(unsafe { Box::from_raw(self.sender) });
    }
}
