//! Trying the files that a command may mean.

use rustix::io::Errno;
use std::ffi::{CString, c_char};
use std::io;

/// Tries the candidates as execvp(3) does: one that is not there or may not be executed does not
/// keep a later one from being found. Returns only when none was executed, with the failure that says most and whose
/// it is. Allocates nothing and takes no lock, so that a child may call it.
///
/// # Safety
/// `argv` and `envp` point to null-terminated arrays of pointers to null-terminated texts.
pub unsafe fn execute(
    candidates: &[CString],
    argv: *const *const c_char,
    envp: *const *const c_char,
) -> (usize, Errno) {
    let mut denied = None;
    for (index, path) in candidates.iter().enumerate() {
        // SAFETY: the caller vouches for the arrays.
        unsafe { libc::execve(path.as_ptr(), argv, envp) };
        match last_error() {
            Errno::NOENT | Errno::NOTDIR => {}
            Errno::ACCESS => denied = denied.or(Some(index)),
            other => return (index, other),
        }
    }
    match denied {
        Some(index) => (index, Errno::ACCESS),
        None => (0, Errno::NOENT),
    }
}

/// What errno says; an error of the system in this form needs no memory.
pub fn last_error() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)
}
