//! What an engine knows of a process that neither the registry nor its run record tells: for the engine that takes its
//! place while nothing else changes (a monitor that replaces itself).

use super::Engine;
use super::health::Health;
use super::process::{Context, Process};
use super::state::State;
use crate::id::{ProcessId, RunId};
use crate::model::ProcessState;
use crate::time::Mono;
use serde::{Deserialize, Serialize};
use std::time::Duration;

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
    /// How far its start had come, if it was not ready yet.
    #[serde(default)]
    pub startup: Option<Startup>,
    /// What was left until it must have given a sign of life (`WATCHDOG=1`), in milliseconds.
    #[serde(default)]
    pub watchdog_ms: Option<u64>,
}

/// A start that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Startup {
    /// Checks that failed.
    pub failures: u32,
    /// What was left until the next check, or until patience is at its end, in milliseconds.
    pub left_ms: u64,
}

impl Engine {
    /// What is to be remembered of every process.
    pub fn memories(&self, now: Mono) -> impl Iterator<Item = Memory> {
        self.processes.values().map(move |process| process.memory(now))
    }
}

impl Process {
    fn memory(&self, now: Mono) -> Memory {
        let startup = self.startup(now);
        let watchdog = self.state.live().and_then(|live| live.checks.watchdog);
        Memory {
            id: self.entry.id.clone(),
            state: self.state.public(),
            run: self.state.run().cloned(),
            message: self.message.clone(),
            health: self.health.clone(),
            startup,
            watchdog_ms: watchdog.map(|due| millis(due.since(now))),
        }
    }

    fn startup(&self, now: Mono) -> Option<Startup> {
        let (failures, due) = match &self.state {
            State::Warming { live, failures, .. } => (*failures, live.checks.next?),
            State::Seeking(seek) => (0, seek.until),
            _ => return None,
        };
        Some(Startup { failures, left_ms: millis(due.since(now)) })
    }

    /// Goes on with what was known, unless something has changed since.
    pub(super) fn recall(&mut self, memory: Memory, cx: &mut Context<'_>) {
        if self.state.public() != memory.state || self.state.run() != memory.run.as_ref() {
            return;
        }
        self.message = memory.message;
        self.health = memory.health;
        if let Some(startup) = memory.startup {
            self.recall_startup(startup, cx.now.mono);
        }
        let watchdog = self.state.live_mut().and_then(|live| live.checks.watchdog.as_mut());
        if let (Some(due), Some(left)) = (watchdog, memory.watchdog_ms) {
            *due = cx.now.mono + Duration::from_millis(left);
        }
        self.publish(None, false, cx);
    }

    /// Patience does not begin anew with an engine.
    fn recall_startup(&mut self, Startup { failures: failed, left_ms }: Startup, now: Mono) {
        let due = now + Duration::from_millis(left_ms);
        match &mut self.state {
            State::Warming { live, failures, .. } => {
                *failures = failed;
                live.checks.next = Some(due);
            }
            State::Seeking(seek) => seek.until = due,
            _ => {}
        }
    }
}

fn millis(left: Duration) -> u64 {
    u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
}
