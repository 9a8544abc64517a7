//! Starting a process that outlives the one that starts it.

use super::object::is;
use super::process::spawn::inheritance::{Lent, alone, set_inheritable};
use crate::fd::BorrowedFd;
use std::io;
use std::os::windows::process::CommandExt;
use std::process::{Child, Command};
use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Console::{
    GetStdHandle, STD_ERROR_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE,
};
use windows_sys::Win32::System::Threading::{
    CREATE_BREAKAWAY_FROM_JOB, CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW,
};

/// A console of its own without a window, so that closing a window or pressing a key in it does not reach the process.
const APART: u32 = CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP;

/// Starts `command` with a console of its own, outside of the job of whoever started us, if that lets anybody go. Beside its standard
/// streams it inherits `kept` only.
///
/// # Errors
/// What the system said.
pub fn spawn(command: &mut Command, kept: &[BorrowedFd<'_>]) -> io::Result<Child> {
    alone(|| {
        keep_own_streams();
        let _kept = Lent::all(kept)?;
        spawn_apart(command)
    })
}

fn spawn_apart(command: &mut Command) -> io::Result<Child> {
    match command.creation_flags(APART | CREATE_BREAKAWAY_FROM_JOB).spawn() {
        // Not every job lets go of who is in it (JOB_OBJECT_LIMIT_BREAKAWAY_OK).
        Err(error) if is(&error, ERROR_ACCESS_DENIED) => command.creation_flags(APART).spawn(),
        other => other,
    }
}

/// Who started us may wait for the end of our output, and must not wait for that of the process: our standard streams are
/// inheritable as we have inherited them. (Who is to have them gets copies, by the standard library.)
fn keep_own_streams() {
    for stream in [STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE] {
        // SAFETY: it touches no memory.
        let handle = unsafe { GetStdHandle(stream) };
        if handle.is_null() || handle == INVALID_HANDLE_VALUE {
            continue;
        }
        // SAFETY: it is this process's own, and stays open.
        let own = unsafe { BorrowedFd::borrow_raw(handle) };
        // One of a console of old may refuse, and is inherited by nobody then.
        let _refused = set_inheritable(own, false);
    }
}
