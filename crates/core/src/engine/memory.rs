//! What an engine knows of a process that neither the registry nor its run record tells: for the engine that takes its
//! place while nothing else changes (a monitor that replaces itself).

use super::Engine;
use super::health::Health;
use super::process::{Context, Process};
use crate::id::{ProcessId, RunId};
use crate::model::ProcessState;
use serde::{Deserialize, Serialize};

/// What is remembered of one process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// Whose it is.
    pub id: ProcessId,
    /// In which state that was.
    pub state: ProcessState,
    /// Of which run, if one was live.
    pub run: Option<RunId>,
    /// What a person should know.
    pub message: Option<String>,
    /// What was found out about its health.
    pub health: Health,
}

impl Engine {
    /// What is to be remembered of every process.
    pub fn memories(&self) -> impl Iterator<Item = Memory> {
        self.processes.values().map(Process::memory)
    }
}

impl Process {
    fn memory(&self) -> Memory {
        Memory {
            id: self.entry.id.clone(),
            state: self.state.public(),
            run: self.state.run().cloned(),
            message: self.message.clone(),
            health: self.health.clone(),
        }
    }

    /// Goes on with what was known, unless something has changed since.
    pub(super) fn recall(&mut self, memory: Memory, cx: &mut Context<'_>) {
        if self.state.public() != memory.state || self.state.run() != memory.run.as_ref() {
            return;
        }
        self.message = memory.message;
        self.health = memory.health;
        self.publish(None, false, cx);
    }
}
