//! Who waits for what, and what is answered.

use crate::exit::LastExit;
use crate::id::ProcessId;
use crate::model::{Problem, ProcessState};
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// Who waits for an answer; the shell makes it up and gets it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// When a start or restart is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Wait {
    /// At once.
    #[default]
    Accepted,
    /// When it is up, or when it is known that it won't be.
    Ready,
    /// When the run that the command leads to has ended, and its tree is gone.
    Exit,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// The state that the process is now in.
    pub state: ProcessState,
    /// How the run ended that was waited for, or the last one before the process was down.
    pub last_exit: Option<LastExit>,
    /// The fields of its configuration that its live run was started without: they take a restart.
    pub restart_for: Vec<&'static str>,
}

impl Done {
    /// It is in this state, and nothing else is to be said.
    pub fn state(state: ProcessState) -> Self {
        Self { state, last_exit: None, restart_for: Vec::new() }
    }
}

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such process.
    #[error("there is no process {id}; `list` shows those that are registered")]
    NotFound {
        /// The id asked for.
        id: ProcessId,
    },
    /// The id is taken.
    #[error("a process {id} is already registered; choose another id, or remove that one first")]
    AlreadyExists {
        /// The id asked for.
        id: ProcessId,
    },
    /// It may not be started.
    #[error("{id} is disabled; enable it first (`enable {id}`)")]
    Disabled {
        /// Which.
        id: ProcessId,
    },
    /// There is nobody to signal.
    #[error("{id} does not run; start it first (`start {id}`)")]
    NotUp {
        /// Which.
        id: ProcessId,
    },
    /// It is on its way out of the registry.
    #[error("{id} is being removed; wait until that is done")]
    BeingRemoved {
        /// Which.
        id: ProcessId,
    },
    /// It was to be started, and did not come up.
    #[error("{id} did not start: {why}")]
    NotStarted {
        /// Which.
        id: ProcessId,
        /// In words.
        why: String,
    },
    /// The change cannot be obeyed, so nothing was changed.
    #[error("the change of {id} cannot be obeyed: {}", Listed(problems))]
    Invalid {
        /// Of which.
        id: ProcessId,
        /// Everything that is wrong; at least one thing.
        problems: Vec<Problem>,
    },
    /// The monitor is ending.
    #[error("the monitor is stopping; start it again and repeat the command")]
    ShuttingDown,
}

struct Listed<'a>(&'a [Problem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if position == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}
