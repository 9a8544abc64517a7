//! Who is whose child.

use super::stat;
use std::io;

/// The live children of one thread: the system does not tell threads apart.
pub fn of_thread(pid: u32, _thread: u32) -> io::Result<Vec<u32>> {
    of(pid)
}

/// The live children of `pid`; none when it is gone.
pub fn of(pid: u32) -> io::Result<Vec<u32>> {
    let Ok(pid) = libc::pid_t::try_from(pid) else { return Ok(Vec::new()) };
    let listed = stat::list(|buffer, bytes| {
        // SAFETY: the buffer has as many bytes as are given.
        unsafe { libc::proc_listchildpids(pid, buffer, bytes) }
    });
    match listed {
        Err(gone) if gone.raw_os_error() == Some(libc::ESRCH) => Ok(Vec::new()),
        other => other,
    }
}

/// Whether the children of the main thread are the orphans: they are not, orphans fall to launchd.
pub fn are_listed() -> bool {
    false
}
