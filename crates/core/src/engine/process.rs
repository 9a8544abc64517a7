//! One process: how each event moves it from state to state.

use super::RunIds;
use super::event::Action;
use super::health::Health;
use super::state::{State, Then};
use super::waiting::Waiter;
use crate::exit::LastExit;
use crate::id::RunId;
use crate::model::{ProcessEntry, ProcessState};
use crate::time::{Mono, Now, Wall};
use std::sync::Arc;
use std::time::Duration;

/// What a step may use.
pub(super) struct Context<'a> {
    pub now: Now,
    pub actions: &'a mut Vec<Action>,
    pub replies: &'a mut Vec<Action>,
    pub runs: &'a mut RunIds,
    pub shutting_down: bool,
}

/// What clients are shown of a process.
#[derive(Debug, Clone)]
pub struct View {
    /// Its configuration with its runtime fields.
    pub entry: Arc<ProcessEntry>,
    /// When its live run was started.
    pub up_since: Option<Wall>,
    /// When its next start is due.
    pub due: Option<Wall>,
    /// What a person should know, in words.
    pub message: Option<String>,
    /// Its live run.
    pub run: Option<RunId>,
    /// What is known of its health; `None` when nothing is checked and nothing was said.
    pub health: Option<Health>,
}

#[derive(Debug)]
pub(super) struct Process {
    pub(super) entry: Arc<ProcessEntry>,
    /// As it was when the present run was started, or found.
    pub(super) started_with: Arc<ProcessEntry>,
    pub(super) state: State,
    pub(super) attempts: u32,
    /// Starts in a row that failed: nothing ran since.
    pub(super) failed_starts: u32,
    pub(super) last_started: Option<Wall>,
    pub(super) last_stopped: Option<Wall>,
    pub(super) last_exit: Option<LastExit>,
    /// The last run of whose end is known.
    pub(super) past_run: Option<RunId>,
    pub(super) message: Option<String>,
    pub(super) health: Health,
    pub(super) waiters: Vec<Waiter>,
    pub(super) removed: bool,
    /// Kept by the engine: the deadline it has noted, and whether it counts this process as active.
    pub(super) deadline: Option<Mono>,
    pub(super) counted_active: bool,
}

impl Process {
    /// As registered: at rest.
    pub fn found(entry: Arc<ProcessEntry>) -> Self {
        Self {
            state: if entry.enabled { State::Stopped } else { State::Disabled },
            attempts: entry.restart_attempts,
            failed_starts: 0,
            last_started: entry.last_started_at,
            last_stopped: entry.last_stopped_at,
            last_exit: entry.last_exit.clone(),
            past_run: entry.past_runs.last().cloned(),
            message: None,
            health: Health::default(),
            waiters: Vec::new(),
            removed: false,
            deadline: None,
            counted_active: false,
            started_with: Arc::clone(&entry),
            entry,
        }
    }

    /// For the file. A stop that a start follows is written as `starting`, one after which it is failed as `failed`,
    /// and one that the policy follows as `crashed`, because the file says what is wanted to the monitor that takes
    /// over should this one die in between. After which run, `pastRuns` says.
    pub fn entry(&self) -> ProcessEntry {
        let mut entry = ProcessEntry::clone(&self.entry);
        entry.state = self.saved_state();
        let stopping = match &self.state {
            // Its end decides what follows, and is not known yet.
            State::Stopping { then: Then::Follow, .. } => None,
            State::Stopping { run, .. } => Some(run).filter(|run| self.past_run.as_ref() != Some(run)),
            _ => None,
        };
        entry.past_runs = self.past_run.iter().chain(stopping).cloned().collect();
        entry.removing = matches!(self.state, State::Stopping { then: Then::Remove, .. });
        entry.pid = self.state.pid();
        entry.restart_attempts = self.attempts;
        entry.consecutive_failures = self.health.in_a_row;
        entry.last_started_at = self.last_started;
        entry.last_stopped_at = self.last_stopped;
        entry.last_exit.clone_from(&self.last_exit);
        entry
    }

    /// Which state the file has.
    pub fn saved_state(&self) -> ProcessState {
        match self.state {
            State::Stopping { then: Then::Start, .. } => ProcessState::Starting,
            State::Stopping { then: Then::Fail, .. } => ProcessState::Failed,
            State::Stopping { then: Then::Follow, .. } => ProcessState::Crashed,
            _ => self.state.public(),
        }
    }

    pub fn brief(&self) -> (Option<&str>, Option<u32>) {
        (self.message.as_deref(), self.state.pid())
    }

    pub fn view(&self) -> View {
        let (up_since, due) = match &self.state {
            State::Running(live) | State::Warming { live, .. } => (Some(live.started), None),
            State::Crashed(pause) | State::Retrying(pause) => (None, Some(pause.due_wall)),
            _ => (None, None),
        };
        let run = match &self.state {
            State::Stopping { run, .. } => Some(run.clone()),
            state => state.live().map(|live| live.run.clone()),
        };
        let entry = Arc::new(ProcessEntry { state: self.state.public(), ..self.entry() });
        let shown = self.entry.check().is_some() || self.health != Health::default();
        let health = shown.then(|| self.health.clone());
        View { entry, up_since, due, message: self.message.clone(), run, health }
    }

    /// When [`Process::due`] is to be called.
    pub fn next_deadline(&self) -> Option<Mono> {
        match &self.state {
            State::Stopping { kill_at, .. } => Some(*kill_at),
            State::Crashed(pause) | State::Retrying(pause) => Some(pause.next_deadline()),
            State::Running(live) => {
                let stable = live.since + self.reset_after().saturating_sub(live.before);
                let stable = (self.attempts > 0).then_some(stable);
                stable.into_iter().chain(live.checks.next_deadline()).min()
            }
            State::Warming { live, .. } => live.checks.next_deadline(),
            State::Seeking(seek) => Some(seek.next_deadline()),
            _ => None,
        }
    }

    pub(super) fn reset_after(&self) -> Duration {
        Duration::from_millis(self.entry.restart_policy.as_ref().map_or_else(
            || crate::model::RestartPolicy::default().reset_after_ms,
            |policy| policy.reset_after_ms,
        ))
    }
}
