//! What a new monitor makes of what an earlier one left.
//!
//! Two cases. After a clean end or a reboot, `autostart` decides what is wanted up. After anything
//! else the monitor *continues*: what was wanted up is wanted up, what was stopped stays stopped.
//! Either way a process that still runs is adopted, and one that ended is dealt with as if the
//! monitor had seen it.
//!
//! The entry and the run that was found may be of different age. `pastRuns` of the entry names the runs after
//! which its `state` comes, so that a restart whose stop was under way is not taken for a crash, nor what was
//! dealt with for news. An entry that does not name the run that was found is older than that run's end.

use super::event::Finding;
use super::policy;
use super::process::{Context, Process};
use super::state::{Live, Pause, State, Then};
use crate::exit::{Exit, ExitReason};
use crate::id::RunId;
use crate::model::{AlivenessCheck, ProcessEntry, ProcessState, Readiness};
use crate::time::Wall;
use std::sync::Arc;
use std::time::Duration;

impl Process {
    /// Goes on from what was found.
    pub(super) fn take_up(
        &mut self,
        entry: Arc<ProcessEntry>,
        continuing: bool,
        finding: Finding,
        cx: &mut Context<'_>,
    ) {
        if !continuing {
            self.attempts = 0;
        }
        let wanted = Wanted::of(&entry, continuing);
        match finding {
            Finding::Alive { run, pid, started, attempts, main_known, heard } => {
                let known = is_past(&entry, &run) || entry.pid == Some(pid);
                self.attempts = if known { entry.restart_attempts } else { attempts };
                let before = cx.now.wall.since(started);
                let live = Live { before, main_known, ..Live::new(run, pid, cx.now.mono, started) };
                self.adopt(&entry, live, (wanted, heard), cx);
            }
            Finding::Ended { run, pid, exit, started, at, attempts, main_known } => {
                let past = is_past(&entry, &run);
                if continuing && !past && entry.pid != Some(pid) {
                    self.attempts = attempts;
                }
                if wanted == Wanted::Up && !past && self.goes_on_as_another(exit, true, main_known) {
                    return self.seek(run, started, cx);
                }
                self.ended_meanwhile(&entry, (run, exit), (started, at), (wanted, continuing), cx);
            }
            Finding::NotStarted { run, attempts } if wanted == Wanted::Up && !is_past(&entry, &run) => {
                if continuing {
                    self.attempts = attempts;
                }
                self.begin(cx);
            }
            Finding::NotStarted { .. } | Finding::Nothing => self.go_on(&entry, wanted, continuing, cx),
        }
    }

    fn adopt(
        &mut self,
        entry: &ProcessEntry,
        live: Live,
        (wanted, heard): (Wanted, bool),
        cx: &mut Context<'_>,
    ) {
        let then = to_be_stopped(entry, &live, wanted);
        self.last_started = Some(live.started);
        // READY=1 may have come while nobody listened, and is not said twice: then it counts as ready.
        let by = self.entry.check().and_then(AlivenessCheck::readiness).map(|(by, _)| by);
        let missed = by == Some(Readiness::Notify) && !heard;
        if entry.state == ProcessState::Starting && !missed && then.is_none() {
            self.come_up(live, cx);
        } else {
            self.begin_to_run(live, cx);
        }
        if let Some(then) = then {
            self.stop(then, cx);
        }
    }

    fn ended_meanwhile(
        &mut self,
        entry: &ProcessEntry,
        (run, exit): (RunId, Exit),
        (started, at): (Wall, Wall),
        (wanted, continuing): (Wanted, bool),
        cx: &mut Context<'_>,
    ) {
        let past = is_past(entry, &run);
        self.last_started = Some(started);
        self.publish(None, false, cx);
        // An earlier life's last run is no crash of this one: it is cleared, and begun anew.
        if wanted == Wanted::Up && continuing && !past {
            return self.ended(run, exit, at.since(started), at, true, cx);
        }
        if !end_was_noted(entry, started, past) {
            self.note_end(&run, exit, ExitReason::Stopped, at);
        }
        self.past_run = Some(run.clone());
        let clearing = self.clear_leftover(&run, true, cx);
        if wanted == Wanted::Up && continuing && waits(entry) {
            return self.wait_on(entry, clearing.then_some(run), cx);
        }
        self.end_up(run, clearing, wanted.then(), cx);
    }

    /// No run is known that is not dealt with.
    fn go_on(&mut self, entry: &ProcessEntry, wanted: Wanted, continuing: bool, cx: &mut Context<'_>) {
        match wanted {
            Wanted::Up if continuing && waits(entry) => self.wait_on(entry, None, cx),
            Wanted::Up => self.begin(cx),
            Wanted::Gone => self.finish(Then::Remove, cx),
            Wanted::Down => self.publish(None, false, cx),
            Wanted::Failed => {
                self.state = State::Failed;
                self.publish(None, false, cx);
            }
        }
    }

    /// Goes on with the wait it was in.
    fn wait_on(&mut self, entry: &ProcessEntry, clearing: Option<RunId>, cx: &mut Context<'_>) {
        let policy = entry.restart_policy();
        // A policy that was changed under a retry, and knows of none now, has no interval that was
        // meant: its default is six hours.
        let retrying = entry.state == ProcessState::Retrying && policy.retry_indefinitely;
        let wait = match retrying {
            true => Duration::from_millis(policy.indefinite_interval_ms),
            false => policy::delay(policy.backoff(), self.attempts.saturating_sub(1), cx.now.dice),
        };
        let ended = entry.last_stopped_at.unwrap_or(cx.now.wall);
        // How many starts failed in a row is not known any more.
        let failed = entry.last_exit.as_ref().is_some_and(|exit| exit.reason == ExitReason::StartFailed);
        let wait = wait.max(policy::least_wait(entry, failed.into()));
        let pause = Pause::from(ended, wait, clearing, cx.now);
        self.enter(if retrying { State::Retrying(pause) } else { State::Crashed(pause) }, cx);
    }
}

/// What the registry wants of a process, when a monitor comes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Up,
    Down,
    /// Down, because it was given up.
    Failed,
    /// Not registered any more.
    Gone,
}

impl Wanted {
    fn of(entry: &ProcessEntry, continuing: bool) -> Self {
        use ProcessState::{Crashed, Failed, Retrying, Running, Starting, Stopping};
        match entry.state {
            // Another state was written by somebody who changed his mind.
            Stopping if entry.removing => Self::Gone,
            _ if !entry.enabled => Self::Down,
            Starting => Self::Up,
            Running | Crashed | Retrying if continuing => Self::Up,
            Failed if continuing => Self::Failed,
            _ if !continuing && entry.autostart => Self::Up,
            _ => Self::Down,
        }
    }

    fn then(self) -> Then {
        match self {
            Self::Up => Then::Start,
            Self::Down => Then::Rest,
            Self::Failed => Then::Fail,
            Self::Gone => Then::Remove,
        }
    }
}

/// Whether what the entry's state says comes after this run.
fn is_past(entry: &ProcessEntry, run: &RunId) -> bool {
    entry.past_runs.contains(run)
}

/// Whether it was waiting for its next start.
fn waits(entry: &ProcessEntry) -> bool {
    matches!(entry.state, ProcessState::Crashed | ProcessState::Retrying)
}

/// Whether the entry already tells of the end of the run that was started at `started`.
fn end_was_noted(entry: &ProcessEntry, started: Wall, past: bool) -> bool {
    let down = matches!(entry.state, ProcessState::Stopped | ProcessState::Failed | ProcessState::Disabled);
    (down || past) && entry.last_exit.is_some() && entry.last_stopped_at.is_some_and(|at| at >= started)
}

/// What is to follow when a live process is to be stopped: it was being stopped, or somebody edited the file.
/// `stopped` with another pid, or none, only means that the file is older than the start.
fn to_be_stopped(entry: &ProcessEntry, live: &Live, wanted: Wanted) -> Option<Then> {
    let past = is_past(entry, &live.run);
    let edited_down =
        matches!(entry.state, ProcessState::Stopped | ProcessState::Failed) && entry.pid == Some(live.pid);
    let down = past || edited_down || entry.state == ProcessState::Stopping;
    match wanted {
        Wanted::Up => (past && entry.state == ProcessState::Starting).then_some(Then::Start),
        Wanted::Gone => Some(Then::Remove),
        _ if !entry.enabled => Some(Then::Disable),
        Wanted::Down | Wanted::Failed => down.then_some(wanted.then()),
    }
}
