//! What a program that is started inherits.

use crate::sys::unix::spawn::execute::last_error;
use rustix::io::Errno;
use rustix::process::{Signal, set_parent_process_death_signal};
use std::io;
use std::os::fd::AsFd;

/// Nothing that is open now from descriptor 3 on, whoever opened it.
///
/// For a forked child: one system call, no allocation, no locks.
///
/// # Errors
/// What the system said.
pub fn nothing() -> io::Result<()> {
    // SAFETY: it only marks descriptors. Those that std needs until the exec are marked already.
    Ok(unsafe { close_range(3, libc::CLOSE_RANGE_CLOEXEC) }?)
}

/// From now on this thread has a table of descriptors of its own: what other threads open or close is not in it, nor a number under which
/// one of them is just opening something.
///
/// # Errors
/// What the system said.
pub fn part_from_threads() -> io::Result<()> {
    // SAFETY: nothing has that number, so it closes nothing. Not unshare(2), which containers do not allow.
    Ok(unsafe { close_range(libc::c_uint::MAX, libc::CLOSE_RANGE_UNSHARE) }?)
}

/// Does with all descriptors from `first` on what `flags` say: closes them if nothing else. Needs Linux ≥ 5.11 (`CLOSE_RANGE_CLOEXEC`).
///
/// # Safety
/// Nothing may use a descriptor that it closes.
pub(in crate::sys) unsafe fn close_range(first: libc::c_uint, flags: libc::c_uint) -> Result<(), Errno> {
    let numbers = [first, libc::c_uint::MAX, flags].map(libc::c_long::from);
    let [first, last, flags] = numbers;
    // SAFETY: it touches no memory; the caller answers for the descriptors.
    match unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) } {
        0 => Ok(()),
        _ => Err(last_error()),
    }
}

/// This process is killed when the thread ends that has started it.
///
/// For a forked child, as [`nothing`].
///
/// # Errors
/// What the system said.
pub fn end_with_parent() -> io::Result<()> {
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// Whether `socket` is one, and listens.
pub fn listens(socket: impl AsFd) -> bool {
    rustix::net::sockopt::socket_acceptconn(socket).unwrap_or(false)
}
