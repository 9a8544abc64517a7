//! The states of a process, as files and the API name them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The state of a process, as files and the API name it (SPEC 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProcessState {
    /// Down, and nothing is pending.
    #[default]
    Stopped,
    /// Being spawned, or not yet ready.
    Starting,
    /// Up.
    Running,
    /// Being stopped.
    Stopping,
    /// Ended unexpectedly; its next start is due after a backoff.
    Crashed,
    /// Attempts are used up; it is tried again at long intervals.
    Retrying,
    /// Attempts are used up, or its policy restarts no failure.
    Failed,
    /// May not be started.
    Disabled,
}

impl ProcessState {
    /// The name in files and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Crashed => "crashed",
            Self::Retrying => "retrying",
            Self::Failed => "failed",
            Self::Disabled => "disabled",
        }
    }
}

impl std::fmt::Display for ProcessState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}
