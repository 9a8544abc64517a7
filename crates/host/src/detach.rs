//! What a process does to outlive the one that starts it.

use crate::sys::inherit;
use std::io;

/// Leaves the session of whoever started this process, and closes what it has open from descriptor 3 on
/// when the program is executed: a lock, or a pipe that somebody reads to its end, must not be held for
/// the whole life of a process in the background.
///
/// For `pre_exec`: only system calls, no allocation, no locks.
///
/// # Errors
/// What the system said.
pub(crate) fn detach() -> io::Result<()> {
    rustix::process::setsid()?;
    inherit::nothing()
}
