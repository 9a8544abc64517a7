//! The states of a process, and which may follow which.
//!
//! Two things are kept apart. What is *wanted* is changed by commands only: `enabled`, and the
//! [`Then`] of a stop under way. What *is* is changed by what happened: a spawn that finished, an
//! exit, a tree that is gone. A state carries exactly the data that is valid in it, so that a pid
//! of a stopped process or a due time of a running one cannot be written down.
//!
//! `Starting` is what clients see of three: the spawn is under way; it is *warming* until its startup
//! check passes; its launcher has ended and the process that goes on is *sought*.
//!
//! ```text
//!                    start                 ready                      stop, exit that ends it, unhealthy
//!        Stopped ─────────────► Starting ───────────► Running ─────────────────────► Stopping
//!         ▲  ▲ ▲                 ▲  │  ▲                 │                            │  │ │ │
//!         │  │ │           due,  │  │  └──── start ────┐ │ exit to be restarted       │  │ │ │
//!         │  │ │           start │  ▼ failed to start  │ ▼                            │  │ │ │
//!         │  │ └──── stop ──── Crashed / Retrying ◄────┴─┘                            │  │ │ │
//!         │  │                                                                        │  │ │ │
//!         │  └─────────────────────────── then: rest ─────────────────────────────────┘  │ │ │
//!         │ enable                        then: start ──► Starting ──────────────────────┘ │ │
//!      Disabled ◄──────────────────────── then: disable ───────────────────────────────────┘ │
//!       Failed  ◄──────────────────────── then: fail ────────────────────────────────────────┤
//!       Crashed / Retrying ◄───────────── then: follow the policy (it was unhealthy) ────────┘
//! ```
//!
//! Interrupted transitions: a stop while the spawn is under way cannot call the spawn back, so it
//! waits for its result and stops what came of it ([`StopPhase::Spawning`]); a start during a stop
//! changes what comes after it ([`Then::Start`]). What is absent on purpose: there is no way from
//! one live run to another but through an exit and a cleared tree, hence never two at once.

use super::health::Checks;
use super::main_process::Seek;
use crate::id::RunId;
use crate::model::{ProcessState, Readiness};
use crate::time::{Mono, Now, Wall};
use std::time::Duration;

/// A live run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// Which.
    pub run: RunId,
    /// Its process.
    pub pid: u32,
    /// When this monitor learned of it.
    pub since: Mono,
    /// How long it had been up by then: zero unless it was adopted.
    pub before: Duration,
    /// When it was started.
    pub started: Wall,
    /// Whether its process was told by the program, and may be another than the one that was started.
    pub main_known: bool,
    /// Its checks.
    pub checks: Checks,
}

impl Live {
    /// A run that was just started.
    pub fn new(run: RunId, pid: u32, since: Mono, started: Wall) -> Self {
        let (before, main_known, checks) = (Duration::ZERO, false, Checks::default());
        Self { run, pid, since, before, started, main_known, checks }
    }

    /// How long it has been up.
    pub fn uptime(&self, now: Mono) -> Duration {
        now.since(self.since) + self.before
    }
}

/// How far a stop has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopPhase {
    /// The spawn is still under way; what comes of it will be stopped.
    Spawning,
    /// The stop signal was sent.
    Asked,
    /// The tree is being killed; the exit has not been seen yet.
    Killing,
    /// The exit was seen; what is left of the tree is being killed.
    Clearing,
}

/// What follows a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Stay down.
    Rest,
    /// Start again.
    Start,
    /// Be disabled.
    Disable,
    /// Be failed: the policy gave up.
    Fail,
    /// Leave the registry.
    Remove,
    /// What the policy says, as after a crash.
    Follow,
}

/// How long a kill may take before it is tried again. A process that sleeps in the kernel dies
/// when it wakes; asking again costs nothing and catches what a first pass did not see.
pub(super) const KILL_AGAIN: Duration = Duration::from_secs(5);

/// What is left of a run's tree is being killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clearing {
    /// Whose tree.
    pub run: RunId,
    /// When that is tried again.
    pub again: Mono,
}

/// A wait between two runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// When the next start is due.
    pub due: Mono,
    /// The same for people.
    pub due_wall: Wall,
    /// What the start waits for beside its time.
    pub clearing: Option<Clearing>,
}

impl Pause {
    /// A wait of `wait` from `ended` on, of which a part may be over. A wall clock that was set
    /// meanwhile makes it no longer than `wait`.
    pub(super) fn from(ended: Wall, wait: Duration, clearing: Option<RunId>, now: Now) -> Self {
        let left = wait.saturating_sub(now.wall.since(ended));
        let clearing = clearing.map(|run| Clearing { run, again: now.mono + KILL_AGAIN });
        Self { due: now.mono + left, due_wall: now.wall + left, clearing }
    }

    /// The run whose tree is still being killed.
    pub fn clearing_run(&self) -> Option<&RunId> {
        self.clearing.as_ref().map(|clearing| &clearing.run)
    }

    /// When there is something to do for it.
    pub(super) fn next_deadline(&self) -> Mono {
        self.clearing.as_ref().map_or(self.due, |clearing| clearing.again)
    }
}

/// The state of a process with the data that is valid in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Down.
    Stopped,
    /// Down, and not to be started.
    Disabled,
    /// Down, and given up.
    Failed,
    /// A spawn is under way.
    Starting {
        /// Whose.
        run: RunId,
    },
    /// Up, and its startup check has not passed yet.
    Warming {
        /// The run.
        live: Live,
        /// How it becomes ready.
        by: Readiness,
        /// Checks that failed.
        failures: u32,
    },
    /// Its launcher has ended, and the process that goes on is not known yet.
    Seeking(Seek),
    /// Up.
    Running(Live),
    /// On the way down.
    Stopping {
        /// The run that is being stopped.
        run: RunId,
        /// Its process, once known.
        pid: Option<u32>,
        /// How far it has come.
        phase: StopPhase,
        /// When the tree is killed, at first or again.
        kill_at: Mono,
        /// What follows.
        then: Then,
        /// Why it is taken down, unless somebody wanted that: it was found to be unhealthy.
        cause: Option<String>,
    },
    /// Ended unexpectedly, to be started again.
    Crashed(Pause),
    /// Attempts used up, to be tried again at long intervals.
    Retrying(Pause),
}

impl State {
    /// Its name for files and clients.
    pub fn public(&self) -> ProcessState {
        match self {
            Self::Stopped => ProcessState::Stopped,
            Self::Disabled => ProcessState::Disabled,
            Self::Failed => ProcessState::Failed,
            Self::Starting { .. } | Self::Warming { .. } | Self::Seeking(_) => ProcessState::Starting,
            Self::Running(_) => ProcessState::Running,
            Self::Stopping { .. } => ProcessState::Stopping,
            Self::Crashed(_) => ProcessState::Crashed,
            Self::Retrying(_) => ProcessState::Retrying,
        }
    }

    /// The process, while there is one that is known.
    pub fn pid(&self) -> Option<u32> {
        match self {
            Self::Stopping { pid, .. } => *pid,
            _ => self.live().map(|live| live.pid),
        }
    }

    /// The run that is up, ready or not.
    pub fn live(&self) -> Option<&Live> {
        match self {
            Self::Running(live) | Self::Warming { live, .. } => Some(live),
            _ => None,
        }
    }

    pub(super) fn live_mut(&mut self) -> Option<&mut Live> {
        match self {
            Self::Running(live) | Self::Warming { live, .. } => Some(live),
            _ => None,
        }
    }

    /// The run that results may still come of.
    pub fn run(&self) -> Option<&RunId> {
        match self {
            Self::Starting { run } | Self::Stopping { run, .. } => Some(run),
            Self::Running(live) | Self::Warming { live, .. } => Some(&live.run),
            Self::Seeking(seek) => Some(&seek.run),
            Self::Crashed(pause) | Self::Retrying(pause) => pause.clearing_run(),
            Self::Stopped | Self::Disabled | Self::Failed => None,
        }
    }

    /// Whether nothing runs and nothing is pending.
    pub fn at_rest(&self) -> bool {
        matches!(self, Self::Stopped | Self::Disabled | Self::Failed)
    }
}

/// The one table of legal transitions. The property tests hold the engine to it.
pub fn may_follow(from: ProcessState, to: ProcessState) -> bool {
    use ProcessState::*;
    let next: &[ProcessState] = match from {
        Stopped => &[Starting, Disabled],
        Starting => &[Running, Stopping, Crashed, Retrying, Stopped, Failed],
        Running => &[Starting, Stopping, Crashed, Retrying, Stopped, Failed],
        Stopping => &[Stopped, Starting, Disabled, Failed, Crashed, Retrying],
        Crashed | Retrying => &[Starting, Stopping, Stopped, Disabled],
        Failed => &[Starting, Stopped, Disabled],
        Disabled => &[Stopped],
    };
    next.contains(&to)
}
