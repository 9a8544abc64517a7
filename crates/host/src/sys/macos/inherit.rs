//! What a program that is started inherits.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;

/// How many descriptors a list holds, which is on the stack: most processes have fewer than the first, a monitor of thousands of
/// programs fewer than the second. A process with more has each number tried.
const FEW: usize = 1024;
const MANY: usize = 32 * 1024;

/// Nothing that is open now from descriptor 3 on, whoever opened it.
///
/// For a forked child: only system calls, no allocation, no locks.
///
/// # Errors
/// None: a descriptor that cannot be marked is none.
pub fn nothing() -> io::Result<()> {
    if !mark_listed::<FEW>() && !mark_listed::<MANY>() {
        (3..open_max()).for_each(mark);
    }
    Ok(())
}

/// Marks all that are open; `false`: there may be more than `MOST`.
#[inline(never)] // its list is not to be on the stack of those who need none
fn mark_listed<const MOST: usize>() -> bool {
    let mut listed = [const { MaybeUninit::<libc::proc_fdinfo>::uninit() }; MOST];
    let size = size_of_val(&listed) as libc::c_int;
    // SAFETY: getpid(2) and the system call behind proc_pidinfo touch no other memory than the buffer, whose size is given.
    let bytes = unsafe {
        libc::proc_pidinfo(libc::getpid(), libc::PROC_PIDLISTFDS, 0, listed.as_mut_ptr().cast(), size)
    };
    let found = usize::try_from(bytes).unwrap_or(0) / size_of::<libc::proc_fdinfo>();
    if found == 0 || found >= MOST {
        return false;
    }
    for entry in listed.iter().take(found) {
        // SAFETY: it was filled by the kernel; it holds numbers only.
        let descriptor = unsafe { entry.assume_init_ref() }.proc_fd;
        if descriptor >= 3 {
            mark(descriptor);
        }
    }
    true
}

/// There is no such thing here.
///
/// # Errors
/// None.
pub fn part_from_threads() -> io::Result<()> {
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
