//! What a new monitor makes of what an earlier one left.
//!
//! Two cases. After a clean end or a reboot, `autostart` decides what is wanted up. After anything
//! else the monitor *continues*: what was wanted up is wanted up, what was stopped stays stopped.
//! Either way a process that still runs is adopted, and one that ended is dealt with as if the
//! monitor had seen it.

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
                self.attempts = attempts;
                let before = cx.now.wall.since(started);
                let live = Live { before, main_known, ..Live::new(run, pid, cx.now.mono, started) };
                self.adopt(&entry, live, (wanted, heard), cx);
            }
            Finding::Ended { run, exit, started, at, attempts, main_known } => {
                if continuing {
                    self.attempts = attempts;
                }
                if wanted == Wanted::Up && self.goes_on_as_another(exit, true, main_known) {
                    return self.seek(run, started, cx);
                }
                self.ended_meanwhile(&entry, (run, exit), (started, at), (wanted, continuing), cx);
            }
            Finding::NotStarted { attempts } if wanted == Wanted::Up => {
                if continuing {
                    self.attempts = attempts;
                }
                self.begin(cx);
            }
            Finding::Nothing if wanted == Wanted::Up => self.resume(&entry, continuing, cx),
            Finding::NotStarted { .. } | Finding::Nothing => {
                if wanted == Wanted::Failed {
                    self.state = State::Failed;
                }
                self.publish(None, false, cx);
            }
        }
    }

    fn adopt(
        &mut self,
        entry: &ProcessEntry,
        live: Live,
        (wanted, heard): (Wanted, bool),
        cx: &mut Context<'_>,
    ) {
        let down = wanted != Wanted::Up && wanted_down_though_alive(entry, live.pid);
        self.last_started = Some(live.started);
        // READY=1 may have come while nobody listened, and is not said twice: then it counts as ready.
        let by = self.entry.check().and_then(AlivenessCheck::readiness).map(|(by, _)| by);
        let missed = by == Some(Readiness::Notify) && !heard;
        if entry.state == ProcessState::Starting && !missed && !down {
            self.come_up(live, cx);
        } else {
            self.begin_to_run(live, cx);
        }
        if down {
            self.stop(if entry.enabled { Then::Rest } else { Then::Disable }, cx);
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
        self.last_started = Some(started);
        self.publish(None, false, cx);
        // An earlier life's last run is no crash of this one: it is cleared, and begun anew.
        if wanted == Wanted::Up && continuing {
            return self.ended(run, exit, at.since(started), at, true, cx);
        }
        if !end_was_noted(entry, started) {
            self.note_end(&run, exit, ExitReason::Stopped, at);
        }
        let clearing = self.clear_leftover(&run, true, cx);
        self.end_up(run, clearing, wanted.then(), cx);
    }

    /// It is wanted up and no run is known: start it, or go on with the wait it was in.
    fn resume(&mut self, entry: &ProcessEntry, continuing: bool, cx: &mut Context<'_>) {
        let policy = entry.restart_policy();
        let (retrying, wait) = match entry.state {
            ProcessState::Retrying if continuing && policy.retry_indefinitely => {
                (true, Duration::from_millis(policy.indefinite_interval_ms))
            }
            // A policy that was changed under a retry, and knows of none now, has no interval that was
            // meant: its default is six hours.
            ProcessState::Crashed | ProcessState::Retrying if continuing => {
                (false, policy::delay(policy.backoff(), self.attempts.saturating_sub(1), cx.now.dice))
            }
            _ => return self.begin(cx),
        };
        let ended = entry.last_stopped_at.unwrap_or(cx.now.wall);
        let pause = Pause::from(ended, wait.max(policy::least_wait(entry)), None, cx.now);
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
}

impl Wanted {
    fn of(entry: &ProcessEntry, continuing: bool) -> Self {
        use ProcessState::{Crashed, Failed, Retrying, Running, Starting};
        match entry.state {
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
        }
    }
}

/// Whether the entry already tells of the end of the run that was started at `started`.
fn end_was_noted(entry: &ProcessEntry, started: Wall) -> bool {
    let down = matches!(entry.state, ProcessState::Stopped | ProcessState::Failed | ProcessState::Disabled);
    down && entry.last_exit.is_some() && entry.last_stopped_at.is_some_and(|at| at >= started)
}

/// A live process whose entry wants it down: it was being stopped, or somebody edited the file.
/// `stopped` with another pid, or none, only means that the file is older than the start.
fn wanted_down_though_alive(entry: &ProcessEntry, pid: u32) -> bool {
    let edited_down =
        matches!(entry.state, ProcessState::Stopped | ProcessState::Failed) && entry.pid == Some(pid);
    !entry.enabled || entry.state == ProcessState::Stopping || edited_down
}
