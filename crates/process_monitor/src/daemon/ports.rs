//! A port that is taken: who has it, and when it is tried again.

use process_monitor_host::survey;
use std::io::{Error, ErrorKind};
use std::time::Duration;

/// From one try for a port that is taken to the next.
pub const AGAIN: Duration = Duration::from_secs(10);

/// Who holds `port`, as a clause after `error`; empty when it is about something else, or nobody can tell.
pub fn holder(error: &Error, port: u16) -> String {
    let held = (error.kind() == ErrorKind::AddrInUse).then(|| survey::listener_on(port)).flatten();
    match held {
        Some(survey::Listener { pid: Some(pid), name, .. }) => format!(" (held by {name}, pid {pid})"),
        Some(survey::Listener { uid, .. }) => {
            format!(" (held by a program of user id {uid}; `ss -ltnp` as root tells which)")
        }
        None => String::new(),
    }
}
