//! What this process is told: by the keys of its console, by the end of the session, by the service manager
//! (`SetConsoleCtrlHandler`, `HandlerRoutine`).
//!
//! What comes before there is somebody to obey it is kept.

use super::object::done;
use crate::signals::Told;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;
use windows_sys::Win32::System::Console::{
    CTRL_BREAK_EVENT, CTRL_C_EVENT, CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT,
    SetConsoleCtrlHandler,
};
use windows_sys::core::BOOL;

/// What is said when the console is closed.
pub const TERMINAL_CLOSED: &str = "the console was closed, and the system ends this monitor with it; what it managed runs on, and \
     the next monitor takes it up";

static STOP: AtomicBool = AtomicBool::new(false);
static CLOSED: AtomicBool = AtomicBool::new(false);
static TELL: Notify = Notify::const_new();

/// Keeps what comes from now on, until [`Signals::next`] is asked.
///
/// # Errors
/// When the system refuses.
pub fn hold_back() -> io::Result<()> {
    static INSTALLED: AtomicBool = AtomicBool::new(false);
    if INSTALLED.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    // SAFETY: the function is there for as long as the process.
    done(unsafe { SetConsoleCtrlHandler(Some(take), 1) })
}

/// Nothing: the system has a thread of its own for what it tells.
pub fn leave_to_another() {}

/// What was held back is kept, and told by [`Signals::next`].
///
/// # Errors
/// Never, here.
pub fn let_through() -> io::Result<()> {
    Ok(())
}

/// Has the monitor that follows stop: this one was told to, and can no more.
///
/// # Errors
/// Never, here.
pub fn pass_on_stop() -> io::Result<()> {
    want_stop();
    Ok(())
}

/// Whether a program that is asked to end hears of it, so that it can end in a way of its own. Wine ends whoever gets
/// CTRL+BREAK, with code 1, and calls no handler (seen with wine 10.0).
pub fn hear_of_stop() -> bool {
    crate::survey::emulator().is_none()
}

/// Has this process told to stop.
pub fn want_stop() {
    STOP.store(true, Ordering::SeqCst);
    TELL.notify_one();
}

/// Whether it was told to, and nobody has obeyed yet.
pub fn stop_is_wanted() -> bool {
    STOP.load(Ordering::SeqCst)
}

/// Called by the system on a thread of its own.
unsafe extern "system" fn take(what: u32) -> BOOL {
    match what {
        CTRL_C_EVENT | CTRL_BREAK_EVENT => want_stop(),
        // A service is told by its manager, and outlives whoever logs off.
        CTRL_LOGOFF_EVENT | CTRL_SHUTDOWN_EVENT if crate::sys::services::is_service() => {}
        CTRL_LOGOFF_EVENT | CTRL_SHUTDOWN_EVENT => {
            want_stop();
            stay();
        }
        CTRL_CLOSE_EVENT => {
            CLOSED.store(true, Ordering::SeqCst);
            TELL.notify_one();
            stay();
        }
        _ => return 0,
    }
    1
}

/// The process would be ended at once if the function returned; until the system loses patience there is time.
fn stay() {
    loop {
        std::thread::park();
    }
}

/// See [`crate::signals::Signals`].
pub struct Signals(());

impl Signals {
    /// Takes them from now on.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn take() -> io::Result<Self> {
        hold_back().map(Self)
    }

    /// What this process is told next.
    pub async fn next(&mut self) -> Told {
        loop {
            if STOP.swap(false, Ordering::SeqCst) {
                return Told::Stop;
            }
            if CLOSED.swap(false, Ordering::SeqCst) {
                return Told::TerminalClosed;
            }
            TELL.notified().await;
        }
    }
}
