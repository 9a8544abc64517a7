//! Signals to this process (signal(7)).
//!
//! One to stop that arrives while one image of the monitor follows another must neither be lost with the old one
//! nor kill the new one before that can obey it. So it is held back meanwhile: what is blocked stays pending through an
//! exec (signal(7)), and the new image lets it through when it listens. The others are held back with it, and let through in the one thread that
//! takes them: a thread that spawns would be woken by the end of each process it has spawned.

use crate::signals::Told;
use std::io;
use std::mem::MaybeUninit;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Those by which a monitor is told something.
const HELD: [libc::c_int; 4] = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGCHLD];

/// Holds them back in this thread, and in all threads that it starts from now on. They wait for a thread that lets them
/// through.
///
/// # Errors
/// Never, on a system that knows these signals.
pub fn hold_back() -> io::Result<()> {
    change(libc::SIG_BLOCK)
}

/// Leaves them to the thread that [lets them through](let_through): this one, and all threads that it starts from now on, hold them back.
pub fn leave_to_another() {
    let _never_fails = change(libc::SIG_BLOCK);
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

/// Whether a program that is asked to end hears of it, so that it can end in a way of its own.
pub fn hear_of_stop() -> bool {
    true
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

/// See [`crate::signals::Signals`].
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    child: Signal,
}

impl Signals {
    /// Takes them from now on. Needs a runtime.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn take() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            child: signal(SignalKind::child())?,
        })
    }

    /// What this process is told next.
    pub async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hangup.recv() => Told::TerminalClosed,
            _ = self.child.recv() => Told::ChildEnded,
        }
    }
}

/// What is said when the terminal is gone, which is no reason to stop anything.
pub const TERMINAL_CLOSED: &str = "SIGHUP is ignored; use --stop to stop, --restart to restart";
