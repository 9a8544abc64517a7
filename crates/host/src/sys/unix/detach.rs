//! Starting a process that outlives the one that starts it: setsid(2).

use super::limits;
use crate::sys::inherit;
use rustix::io::{FdFlags, fcntl_setfd};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

/// Starts `command` in a session of its own, with the limit of descriptors that this process found. Beside its standard streams
/// it inherits `kept` only.
///
/// # Errors
/// What the system said.
pub fn spawn(command: &mut Command, kept: &[BorrowedFd<'_>]) -> io::Result<Child> {
    let kept: Vec<RawFd> = kept.iter().map(AsRawFd::as_raw_fd).collect();
    // SAFETY: runs in the forked child and makes only system calls: no allocation, no locks.
    unsafe {
        command.pre_exec(move || {
            detach()?;
            // A monitor has raised it for itself.
            limits::restore_nofile()?;
            for number in &kept {
                // SAFETY: it is borrowed until after the spawn, so its number is open in the child.
                fcntl_setfd(BorrowedFd::borrow_raw(*number), FdFlags::empty())?;
            }
            Ok(())
        });
    }
    command.spawn()
}

/// Leaves the session of whoever started this process, and closes what it has open from descriptor 3 on
/// when the program is executed: a lock, or a pipe that somebody reads to its end, must not be held for
/// the whole life of a process in the background.
///
/// For `pre_exec`: only system calls, no allocation, no locks.
///
/// # Errors
/// What the system said.
pub fn detach() -> io::Result<()> {
    rustix::process::setsid()?;
    inherit::nothing()
}
