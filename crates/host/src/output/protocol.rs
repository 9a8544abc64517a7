//! What monitor and logger say to each other: one JSON object per line, both ways.
//!
//! Both begin with `hello`. `hello` and `quit` never change their form, so that a newer monitor can
//! always ask an older logger to leave. Unknown messages are skipped.

use super::note::ExitNote;
use crate::process::Identity;
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::model::LogConfig;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The version of this protocol.
pub const PROTOCOL: u32 = 1;

/// The longest line that either side accepts, in bytes (paths have at most 4096).
pub(super) const MAX_LINE: usize = 64 << 10;

/// What is kept of a run's output: `logs` of its entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// See [`LogConfig::max_file_bytes`]. A line that ends more than 1 MiB beyond is cut there.
    pub max_file_bytes: u64,
    /// See [`LogConfig::keep_files`]; 0 counts as 1.
    pub keep_files: u32,
    /// See [`LogConfig::keep_runs`]; runs whose output isn't closed are kept beyond it.
    pub keep_runs: u32,
    /// See [`LogConfig::timestamps`].
    pub timestamps: bool,
}

impl From<&LogConfig> for Limits {
    fn from(config: &LogConfig) -> Self {
        Self {
            max_file_bytes: config.max_file_bytes,
            keep_files: config.keep_files,
            keep_runs: config.keep_runs,
            timestamps: config.timestamps,
        }
    }
}

/// A run whose output the logger is to copy. Said again, it replaces what was said before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attach {
    /// Which run.
    pub run: RunId,
    /// Whose.
    pub process: ProcessId,
    /// Where its log files go.
    pub folder: PathBuf,
    /// What is kept.
    pub limits: Limits,
    /// Its process, whose exit is noted while no monitor is there; absent before the spawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
}

/// From the monitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Request {
    /// First of all.
    Hello {
        /// [`PROTOCOL`] of the sender.
        protocol: u32,
    },
    /// Copy this run's output.
    Attach(Attach),
    /// The monitor knows of this run's exit: forget its pid.
    Exited {
        /// Which run.
        run: RunId,
    },
    /// Answered by `pong`.
    Ping,
    /// Leave once nothing is left to copy.
    Quit {
        /// Leave at once; what is unread stays in the FIFOs for the next logger.
        now: bool,
    },
}

/// From the logger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Reply {
    /// First of all.
    Hello {
        /// [`PROTOCOL`] of the sender.
        protocol: u32,
        /// The logger's own.
        pid: u32,
    },
    /// The run's output is being copied.
    Attached {
        /// Which run.
        run: RunId,
    },
    /// All of the run's output is in its files, and its FIFOs are gone.
    Closed {
        /// Which run.
        run: RunId,
    },
    /// This exit was noted while no monitor was there.
    Exited(ExitNote),
    /// The answer to `ping`.
    Pong,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_that_must_never_change() {
        let table = [
            (Request::Hello { protocol: 1 }, r#"{"type":"hello","protocol":1}"#),
            (Request::Quit { now: true }, r#"{"type":"quit","now":true}"#),
        ];
        for (message, text) in table {
            assert_eq!(serde_json::to_string(&message).unwrap(), text);
            assert_eq!(serde_json::from_str::<Request>(text).unwrap(), message);
        }
        let hello = r#"{"type":"hello","protocol":7,"pid":3,"more":true}"#;
        assert_eq!(serde_json::from_str::<Reply>(hello).unwrap(), Reply::Hello { protocol: 7, pid: 3 });
    }

    #[test]
    fn an_attach_is_read_back() {
        let attach = Attach {
            run: RunId::new("web-1").unwrap(),
            process: ProcessId::new("web").unwrap(),
            folder: "/logs/web/20260124_103000".into(),
            limits: Limits::from(&LogConfig::default()),
            identity: Some(Identity { pid: 7, start_time: 12 }),
        };
        let text = serde_json::to_string(&Request::Attach(attach.clone())).unwrap();
        assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), Request::Attach(attach));
    }
}
