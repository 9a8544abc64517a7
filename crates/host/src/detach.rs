//! What a process does to outlive the one that starts it.

use std::io;

/// Leaves the session of whoever started this process, and closes what it has open from descriptor 3 on
/// when the program is executed: a lock, or a pipe that somebody reads to its end, must not be held for
/// the whole life of a process in the background.
///
/// For `pre_exec`: only system calls, no allocation, no locks. Needs Linux ≥ 5.11
/// (`CLOSE_RANGE_CLOEXEC`).
///
/// # Errors
/// What the system said.
pub(crate) fn detach() -> io::Result<()> {
    rustix::process::setsid()?;
    // SAFETY: it only marks descriptors. Those that std needs until the exec are marked already.
    let marked = unsafe { libc::close_range(3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC as libc::c_int) };
    if marked == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
