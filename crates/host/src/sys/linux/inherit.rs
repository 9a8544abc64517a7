//! What a program that is started inherits.

use rustix::process::{Signal, set_parent_process_death_signal};
use std::io;
use std::os::fd::AsFd;

/// Nothing that is open now from descriptor 3 on, whoever opened it. Needs Linux ≥ 5.11 (`CLOSE_RANGE_CLOEXEC`).
///
/// For a forked child: one system call, no allocation, no locks.
///
/// # Errors
/// What the system said.
pub fn nothing() -> io::Result<()> {
    let (last, flags) =
        (libc::c_long::from(libc::c_uint::MAX), libc::c_long::from(libc::CLOSE_RANGE_CLOEXEC));
    // SAFETY: it only marks descriptors. Those that std needs until the exec are marked already.
    let marked = unsafe { libc::syscall(libc::SYS_close_range, 3 as libc::c_long, last, flags) };
    if marked == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// From now on this thread has a table of descriptors of its own: what other threads open or close is not in it, nor a number under which
/// one of them is just opening something.
///
/// # Errors
/// What the system said.
pub fn part_from_threads() -> io::Result<()> {
    let (none, flags) =
        (libc::c_long::from(libc::c_uint::MAX), libc::c_long::from(libc::CLOSE_RANGE_UNSHARE));
    // SAFETY: nothing has that number, so it closes nothing. Not unshare(2), which containers do not allow.
    let parted = unsafe { libc::syscall(libc::SYS_close_range, none, none, flags) };
    if parted == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
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
