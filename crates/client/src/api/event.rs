//! What happens, as `GET /events` tells it.

use process_monitor_core::id::ProcessId;
use process_monitor_core::model::ProcessState;
use process_monitor_core::time::Wall;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum EventKind {
    /// A process went from one state to another.
    State,
    /// A process was registered.
    Registered,
    /// A process was removed.
    Removed,
    /// A health check failed, or passed after one that had failed.
    Health,
    /// Events are missing before the next one: they are too long ago, or of an earlier monitor. Read the list anew.
    Missed,
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

impl EventKind {
    /// Its name, as in JSON and in the `event:` line of the stream.
    pub fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Registered => "registered",
            Self::Removed => "removed",
            Self::Health => "health",
            Self::Missed => "missed",
            Self::Unknown => "unknown",
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessEvent {
    /// To go on after this one: `Last-Event-ID`.
    pub id: String,
    /// When.
    pub at: Wall,
    /// What kind of thing.
    pub kind: EventKind,
    /// Which process.
    pub process: Option<ProcessId>,
    /// Its state before.
    pub from: Option<ProcessState>,
    /// Its state since.
    pub to: Option<ProcessState>,
    /// Its pid, while it runs.
    pub pid: Option<u32>,
    /// Whether its last check passed.
    pub healthy: Option<bool>,
    /// What a person should know.
    pub message: Option<String>,
}

impl ProcessEvent {
    /// An event that says no more than this.
    pub fn new(id: String, at: Wall, kind: EventKind, process: Option<ProcessId>) -> Self {
        Self { id, at, kind, process, from: None, to: None, pid: None, healthy: None, message: None }
    }
}
