//! Telling people: those who listen to events, and the log.

use super::executor::{self, Executor};
use process_monitor_client::api::{EventKind, ProcessEvent};
use process_monitor_core::engine::{Engine, News};
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::ProcessState;
use process_monitor_core::time::Wall;

impl Executor {
    pub(super) fn tell_transition(
        &self,
        id: &ProcessId,
        from: ProcessState,
        to: ProcessState,
        engine: &Engine,
    ) {
        if self.resuming {
            return;
        }
        let (message, pid) = engine.brief(id);
        let message = message.map(str::to_owned);
        let (from, to) = (Some(from), Some(to));
        self.events.add(ProcessEvent { from, to, pid, message, ..event(EventKind::State, id) });
    }

    /// A process went from one state to another. What only repeats itself is told at level debug.
    pub(super) fn log_transition(
        &mut self,
        id: &ProcessId,
        transition: Option<(ProcessState, ProcessState)>,
        engine: &Engine,
    ) {
        let Some((from, to)) = transition else { return };
        let (message, pid) = engine.brief(id);
        match to {
            ProcessState::Failed => tracing::error!(process = %id, message, "{from} → {to}"),
            ProcessState::Crashed | ProcessState::Retrying | ProcessState::Starting
                if self.failed_starts.are_old_news(id) =>
            {
                tracing::debug!(process = %id, message, "{from} → {to}");
            }
            ProcessState::Crashed | ProcessState::Retrying => {
                tracing::warn!(process = %id, message, "{from} → {to}");
            }
            ProcessState::Running => tracing::info!(process = %id, pid, "{from} → {to}"),
            _ => tracing::info!(process = %id, "{from} → {to}"),
        }
        if executor::rests(to) {
            self.failed_starts.forget(id);
        }
    }

    pub(super) fn tell_news(&self, id: &ProcessId, news: News) {
        let (healthy, message) = match news {
            News::Passed => return,
            News::Recovered { .. } => (true, None),
            News::Failed { why, .. } => (false, Some(why)),
        };
        self.events.add(ProcessEvent { healthy: Some(healthy), message, ..event(EventKind::Health, id) });
    }

    /// What is taken up from now on was known to those who listen.
    pub fn resume(&mut self) {
        self.resuming = true;
    }

    /// All that was known is taken up; `before` are the states that were told last.
    pub fn resumed(&mut self, before: &[(ProcessId, ProcessState)], engine: &Engine) {
        self.resuming = false;
        for (id, from) in before {
            if let Some(to) = engine.state(id).filter(|to| to != from) {
                self.tell_transition(id, *from, to, engine);
            }
        }
    }
}

/// An event about a process that says no more than this.
pub(super) fn event(kind: EventKind, id: &ProcessId) -> ProcessEvent {
    ProcessEvent::new(String::new(), Wall::default(), kind, Some(id.clone()))
}

/// A check had its answer.
pub(super) fn log_news(id: &ProcessId, news: &News) {
    match news {
        News::Passed => {}
        News::Recovered { failed } => {
            tracing::info!(process = %id, "healthy again, after {failed} failed checks")
        }
        News::Failed { why, in_a_row, limit } if in_a_row < limit => {
            tracing::debug!(process = %id, "check {in_a_row} of {limit} failed: {why}");
        }
        News::Failed { why, in_a_row, .. } => {
            tracing::warn!(process = %id, "check {in_a_row} in a row failed: {why}");
        }
    }
}
