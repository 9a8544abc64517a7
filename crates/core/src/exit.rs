//! How a run ended.

use crate::time::Wall;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use utoipa::ToSchema;

/// What the system said about an exit. "We don't know" is its own case, never a magic number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// The program ended by itself with this code.
    Code(i32),
    /// A signal ended it (signal number).
    Signal(i32),
    /// It ended, and nobody can tell how: it was not our child, and this system doesn't say.
    Unknown,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(number) => match signal_name(*number) {
                Some(name) => write!(f, "signal {number} ({name})"),
                None => write!(f, "signal {number}"),
            },
            Self::Unknown => f.write_str("an unknown exit"),
        }
    }
}

/// Why a run is over (SPEC 3.3 `lastExit.reason`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ExitReason {
    /// It ended by itself, with a code.
    Exited,
    /// A signal that the monitor did not send ended it.
    Signaled,
    /// The monitor stopped it because it was asked to.
    Stopped,
    /// Its health check failed too often.
    Unhealthy,
    /// It could not be started at all.
    StartFailed,
    /// It is gone and nobody knows how.
    Unknown,
}

/// The record of a run's end, as the registry and the API show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LastExit {
    /// The exit code, when it ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// The signal's name (`SIGKILL`) or number, when a signal ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// When it ended, or was found to have ended.
    pub at: Wall,
    /// Why.
    pub reason: ExitReason,
    /// Fields this version does not know, kept for who wrote them.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl LastExit {
    /// The record of `exit` at `at`; `reason` is what the monitor knows beyond the exit itself.
    pub fn new(exit: Exit, at: Wall, reason: ExitReason) -> Self {
        let (code, signal) = match exit {
            Exit::Code(code) => (Some(code), None),
            Exit::Signal(n) => (None, Some(signal_name(n).map_or_else(|| n.to_string(), str::to_owned))),
            Exit::Unknown => (None, None),
        };
        Self { code, signal, at, reason, extra: Map::new() }
    }

    /// What the system said.
    pub fn exit(&self) -> Exit {
        let number = |name: &String| {
            let known = SIGNALS.iter().find(|(known, _)| known == name).map(|(_, number)| *number);
            known.or_else(|| name.parse().ok())
        };
        match (self.code, self.signal.as_ref().and_then(number)) {
            (Some(code), _) => Exit::Code(code),
            (None, Some(number)) => Exit::Signal(number),
            (None, None) => Exit::Unknown,
        }
    }
}

/// The signals of `signal(7)` by their numbers on Linux (x86, ARM) that people name.
const SIGNALS: [(&str, i32); 17] = [
    ("SIGHUP", 1),
    ("SIGINT", 2),
    ("SIGQUIT", 3),
    ("SIGILL", 4),
    ("SIGTRAP", 5),
    ("SIGABRT", 6),
    ("SIGBUS", 7),
    ("SIGFPE", 8),
    ("SIGKILL", 9),
    ("SIGUSR1", 10),
    ("SIGSEGV", 11),
    ("SIGUSR2", 12),
    ("SIGPIPE", 13),
    ("SIGALRM", 14),
    ("SIGTERM", 15),
    ("SIGXCPU", 24),
    ("SIGSYS", 31),
];

/// The name of a signal number on Linux, where it has a well-known one.
pub fn signal_name(number: i32) -> Option<&'static str> {
    SIGNALS.iter().find(|(_, n)| *n == number).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_tells_what_it_was_made_of() {
        for exit in [Exit::Code(0), Exit::Code(-1), Exit::Signal(9), Exit::Signal(34), Exit::Unknown] {
            assert_eq!(LastExit::new(exit, Wall::default(), ExitReason::Exited).exit(), exit);
        }
    }
}
