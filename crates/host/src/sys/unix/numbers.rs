//! The numbers of signals and exits.

use process_monitor_core::exit::Exit;
use process_monitor_core::model::StopSignal;

/// The number of signal(7).
pub fn number(signal: StopSignal) -> i32 {
    match signal {
        StopSignal::Term => libc::SIGTERM,
        StopSignal::Int => libc::SIGINT,
        StopSignal::Quit => libc::SIGQUIT,
        StopSignal::Hup => libc::SIGHUP,
        StopSignal::Usr1 => libc::SIGUSR1,
        StopSignal::Usr2 => libc::SIGUSR2,
        StopSignal::Winch => libc::SIGWINCH,
        StopSignal::Kill => libc::SIGKILL,
    }
}

/// A status in the form of waitpid(2).
pub fn decode(status: i32) -> Exit {
    if libc::WIFSIGNALED(status) {
        Exit::Signal(libc::WTERMSIG(status))
    } else {
        Exit::Code(libc::WEXITSTATUS(status))
    }
}
