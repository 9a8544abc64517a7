//! A signal to stop that arrives while one image of the monitor follows another must neither be lost with the old one
//! nor kill the new one before that can obey it. So it is held back meanwhile: what is blocked stays pending through an
//! exec (signal(7)), and the new image lets it through when it listens.

use std::io;
use std::mem::MaybeUninit;

/// Those by which a monitor is told something.
const HELD: [libc::c_int; 3] = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP];

/// Holds them back in this thread, and in all threads that it starts from now on. They wait for a thread that lets them
/// through.
///
/// # Errors
/// Never, on a system that knows these signals.
pub fn hold_back() -> io::Result<()> {
    change(libc::SIG_BLOCK)
}

/// Lets them through in this thread, what was held back first.
///
/// # Errors
/// As [`hold_back`].
pub fn let_through() -> io::Result<()> {
    change(libc::SIG_UNBLOCK)
}

/// Sends SIGTERM to this process, so that the image that follows obeys it: this one has taken it, and can no more.
///
/// # Errors
/// As [`hold_back`].
pub fn pass_on_stop() -> io::Result<()> {
    Ok(rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM)?)
}

fn change(how: libc::c_int) -> io::Result<()> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset initialises the set, the others read or change it alone.
    let error = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in HELD {
            libc::sigaddset(set.as_mut_ptr(), signal);
        }
        libc::pthread_sigmask(how, set.as_ptr(), std::ptr::null_mut())
    };
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}
