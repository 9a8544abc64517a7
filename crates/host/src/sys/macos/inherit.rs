//! What a program that is started inherits.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;

/// How many descriptors are looked at one by one in a list; a process with more has each number tried.
const LISTED: usize = 1024;

/// Nothing that is open now from descriptor 3 on, whoever opened it.
///
/// For a forked child: only system calls, no allocation, no locks.
///
/// # Errors
/// None: a descriptor that cannot be marked is none.
pub fn nothing() -> io::Result<()> {
    let mut listed = [const { MaybeUninit::<libc::proc_fdinfo>::zeroed() }; LISTED];
    let size = size_of_val(&listed) as libc::c_int;
    // SAFETY: getpid(2) and the system call behind proc_pidinfo touch no other memory than the buffer, whose size is given.
    let bytes = unsafe {
        libc::proc_pidinfo(libc::getpid(), libc::PROC_PIDLISTFDS, 0, listed.as_mut_ptr().cast(), size)
    };
    let found = usize::try_from(bytes).unwrap_or(0) / size_of::<libc::proc_fdinfo>();
    if found == 0 || found >= LISTED {
        (3..open_max()).for_each(mark);
        return Ok(());
    }
    for entry in listed.iter().take(found) {
        // SAFETY: it was zeroed, and then filled by the kernel; it holds numbers only.
        let descriptor = unsafe { entry.assume_init_ref() }.proc_fd;
        if descriptor >= 3 {
            mark(descriptor);
        }
    }
    Ok(())
}

/// There is no such thing here: a child goes on when its parent ends.
///
/// # Errors
/// None.
pub fn end_with_parent() -> io::Result<()> {
    Ok(())
}

/// Whether `socket` is a socket. That it listens is not told here (SO_ACCEPTCONN); if it does not, taking connections fails.
pub fn listens(socket: impl AsFd) -> bool {
    rustix::net::sockopt::socket_type(socket).is_ok()
}

fn mark(descriptor: libc::c_int) {
    // SAFETY: it only marks the descriptor; a number that is not open is an error without effect.
    unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
}

fn open_max() -> libc::c_int {
    // SAFETY: getdtablesize(2) touches no memory.
    unsafe { libc::getdtablesize() }
}
