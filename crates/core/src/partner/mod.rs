//! Two monitors that keep each other alive (SPEC 4.6): whether the partner is watched, when it counts as
//! hung, and when it is started. [`Partner::handle`] takes an event and the time, and returns what is to be
//! done, as the engine does.
//!
//! | file | what |
//! | --- | --- |
//! | `event` | what is told, what is wanted |
//! | `phase` | where a partner can be, and what is known of it there |
//!
//! ```text
//!              ┌── not there, and not ours to start ──► Absent ◄── its end was wanted ──┐
//!              │                                         │                              │
//!  Off ──► Looking ──────────── it runs ─────────────► Watched ── two checks fail ──► Killed
//!           ▲  │  ▲                                      │                              │
//!           │  │  └── due ── Due ◄───────────────────────┴───── it died ────────────────┘
//!           │  └── still gone ──► Starting                     (at once, later with backoff)
//!           └───── is over ────────┘
//! ```
//!
//! Before every start there is a look: somebody else may have been faster. Should two starts meet all the
//! same, the instance's OS lock lets one in, and the other leaves.
//!
//! Held by the tests in `tests/partner`: a stop is not followed by a start · one that answers is never killed ·
//! one that dies or hangs is replaced · starts are rate-limited.

mod event;
mod phase;

pub use event::{Action, Answer, Cause, Event, Farewell, Last, Life, Presence, Settings, Sighting};

use crate::engine::policy;
use crate::exit::Exit;
use crate::model::Backoff;
use crate::time::{Mono, Now};
use phase::{Phase, Purpose, Watched};
use std::time::Duration;

/// From one check to the next (SPEC 4.6).
pub const CHECK_INTERVAL: Duration = Duration::from_secs(3);

/// How long an answer may take. Shorter than [`CHECK_INTERVAL`], so that checks don't overlap.
pub const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// So many checks in a row must fail until a partner that lives counts as hung.
pub const FAILURES: u32 = 2;

/// A monitor that has not answered yet may be taking up thousands of processes. It has this long.
pub const GRACE: Duration = Duration::from_secs(60);

/// The exit code by which a monitor asks its partner, or a service manager, to be started again.
pub const RESTART_CODE: i32 = 75;

/// A partner that lived this long is started again at once.
const STABLE: Duration = Duration::from_secs(60);

/// The waits before starts that follow each other, in milliseconds.
const BACKOFF: [u64; 6] = [0, 1000, 2000, 5000, 10_000, 30_000];

/// A process that sleeps in the kernel may need more than one kill, and an operator to know of it.
const KILL_AGAIN: Duration = Duration::from_secs(10);

/// The policy of one monitor about its partner.
#[derive(Debug)]
pub struct Partner {
    /// Whether this monitor goes on where an earlier one was cut off.
    continuing: bool,
    settings: Option<Settings>,
    phase: Phase,
    /// Starts since the partner was last stable.
    tries: u32,
    /// Of the last check.
    number: u64,
    leaving: bool,
}

impl Partner {
    /// A policy that knows nothing yet. `continuing`: an earlier life of this very monitor was cut off, and
    /// what was wanted then is wanted now.
    pub fn new(continuing: bool) -> Self {
        Self { continuing, settings: None, phase: Phase::Off, tries: 0, number: 0, leaving: false }
    }

    /// Moves the state machine. The actions are to be carried out in their order.
    pub fn handle(&mut self, event: Event, now: Now) -> Vec<Action> {
        if self.leaving {
            return Vec::new();
        }
        match event {
            Event::Settings(settings) => self.configured(settings, now),
            Event::Leave => self.leave(),
            _ if self.phase == Phase::Off => Vec::new(),
            Event::Seen(Sighting::Running { life, proven }) => self.seen(life, proven, now),
            Event::Seen(Sighting::Gone(last)) => self.not_seen(last, now),
            Event::Ended { life, exit, farewell } => self.ended(life, exit, farewell, now),
            Event::Checked { life, number, answer } => self.checked(life, number, answer, now),
            Event::Started => self.started(),
            Event::Deadline => self.due(now),
        }
    }

    /// When [`Event::Deadline`] is wanted next.
    pub fn next_deadline(&self) -> Option<Mono> {
        match &self.phase {
            Phase::Watched(watched) => watched.next_check(),
            Phase::Killed { again, .. } => Some(*again),
            Phase::Due { at, .. } => Some(*at),
            Phase::Off | Phase::Absent { .. } | Phase::Looking(_) | Phase::Starting(_) => None,
        }
    }

    /// What is to be shown.
    pub fn presence(&self) -> Presence {
        match &self.phase {
            Phase::Off | Phase::Absent { known: false } | Phase::Looking(Purpose::AtStart) => {
                Presence::Unknown
            }
            Phase::Watched(Watched { answered: false, proven: false, .. }) => Presence::Unknown,
            Phase::Watched(Watched { life, .. }) => Presence::Running(*life),
            _ => Presence::Stopped,
        }
    }

    /// Why the partner will be started, or is being started.
    pub fn cause(&self) -> Option<Cause> {
        match self.phase {
            Phase::Due { cause, .. }
            | Phase::Starting(cause)
            | Phase::Looking(Purpose::Start(cause) | Purpose::AfterStart(cause)) => Some(cause),
            _ => None,
        }
    }

    fn configured(&mut self, settings: Settings, now: Now) -> Vec<Action> {
        let before = self.settings.replace(settings);
        if !settings.paired {
            self.phase = Phase::Off;
            return Vec::new();
        }
        let newly_missed = settings.start_if_missing && !before.is_some_and(|b| b.start_if_missing);
        match self.phase {
            // Later than at the start it is looked for whatever the setting for the start says.
            Phase::Off if before.is_some() || settings.look_at_start => self.look(Purpose::AtStart),
            Phase::Off => self.absent(false),
            Phase::Absent { known: false } if newly_missed && before.is_some() => {
                self.fall_due(Cause::Missing, now)
            }
            _ => Vec::new(),
        }
    }

    fn leave(&mut self) -> Vec<Action> {
        self.leaving = true;
        self.phase = Phase::Off;
        Vec::new()
    }

    fn look(&mut self, purpose: Purpose) -> Vec<Action> {
        self.phase = Phase::Looking(purpose);
        vec![Action::Look]
    }

    fn absent(&mut self, known: bool) -> Vec<Action> {
        self.phase = Phase::Absent { known };
        Vec::new()
    }

    /// It is to be started: at once the first time, later with waits.
    fn fall_due(&mut self, cause: Cause, now: Now) -> Vec<Action> {
        let wait = policy::delay(Backoff::Intervals(&BACKOFF), self.tries, now.dice);
        if wait.is_zero() {
            return self.look(Purpose::Start(cause));
        }
        self.phase = Phase::Due { at: now.mono + wait, cause };
        Vec::new()
    }

    fn start(&mut self, cause: Cause) -> Vec<Action> {
        self.tries = self.tries.saturating_add(1);
        self.phase = Phase::Starting(cause);
        vec![Action::Start(cause)]
    }

    fn seen(&mut self, life: Life, proven: bool, now: Now) -> Vec<Action> {
        match &self.phase {
            Phase::Watched(watched) if watched.life == life => return Vec::new(),
            // Its end is on its way, also when it restarted itself in the last moment.
            Phase::Killed { life: killed, .. } if killed.is_process_of(&life) => return Vec::new(),
            _ => {}
        }
        self.phase = Phase::Watched(Watched::new(life, proven, now.mono));
        let mut actions = vec![Action::Watch(life)];
        actions.extend(self.due(now));
        actions
    }

    fn not_seen(&mut self, last: Last, now: Now) -> Vec<Action> {
        match self.phase {
            Phase::Looking(Purpose::AtStart) => self.not_seen_at_start(last, now),
            Phase::Looking(_) | Phase::Due { .. } if last == Last::Left => self.absent(true),
            Phase::Looking(Purpose::AfterStop) if last == Last::None => self.absent(true),
            // It came and was cut off before anybody could watch it.
            Phase::Looking(Purpose::AfterStop) | Phase::Absent { .. } if last == Last::Cut => {
                self.fall_due(Cause::Died(Exit::Unknown), now)
            }
            Phase::Looking(Purpose::Start(cause)) => self.start(cause),
            Phase::Looking(Purpose::AfterStart(cause)) => self.fall_due(cause, now),
            // Of a watched one the end is told, and nothing else counts.
            _ => Vec::new(),
        }
    }

    fn not_seen_at_start(&mut self, last: Last, now: Now) -> Vec<Action> {
        let wanted = self.settings.is_some_and(|settings| settings.start_if_missing);
        match last {
            Last::Cut => self.fall_due(Cause::Died(Exit::Unknown), now),
            // What was wanted before we were cut off: that it stays down.
            Last::Left if self.continuing => self.absent(true),
            // No second look: that it was stopped once is known, and does not count.
            Last::Left | Last::None if wanted => self.start(Cause::Missing),
            Last::Left => self.absent(true),
            Last::None => self.absent(false),
        }
    }

    fn ended(&mut self, life: Life, exit: Exit, farewell: Option<Farewell>, now: Now) -> Vec<Action> {
        let (killed, watched) = match &self.phase {
            Phase::Watched(watched) if watched.life.is_process_of(&life) => (false, Some(watched)),
            Phase::Killed { life: killed, .. } if killed.is_process_of(&life) => (true, None),
            _ => return Vec::new(),
        };
        if watched.is_some_and(|watched| now.mono.since(watched.since) >= STABLE) {
            self.tries = 0;
        }
        let stranger = watched.is_some_and(|watched| !watched.proven && !watched.answered);
        let wanted = farewell == Some(Farewell::Stop) || (exit == Exit::Code(0) && farewell.is_none());
        let alone = farewell == Some(Farewell::Alone) || watched.is_some_and(|watched| watched.alone);
        if stranger || alone {
            return self.absent(false);
        }
        match exit {
            // Another life may have come, and gone, since.
            _ if wanted => self.look(Purpose::AfterStop),
            Exit::Code(RESTART_CODE) => self.fall_due(Cause::Asked, now),
            _ if killed => self.fall_due(Cause::Hung, now),
            _ => self.fall_due(Cause::Died(exit), now),
        }
    }

    fn checked(&mut self, life: Life, number: u64, answer: Answer, now: Now) -> Vec<Action> {
        let Phase::Watched(watched) = &mut self.phase else { return Vec::new() };
        if watched.life != life || watched.asked != Some(number) {
            return Vec::new();
        }
        watched.answered(answer, now.mono);
        if !watched.is_hung(now.mono) {
            return Vec::new();
        }
        self.phase = Phase::Killed { life, again: now.mono + KILL_AGAIN };
        vec![Action::Kill(life)]
    }

    fn started(&mut self) -> Vec<Action> {
        match self.phase {
            Phase::Starting(cause) => self.look(Purpose::AfterStart(cause)),
            _ => Vec::new(),
        }
    }

    fn due(&mut self, now: Now) -> Vec<Action> {
        match &mut self.phase {
            Phase::Watched(watched) if watched.next_check().is_some_and(|at| at <= now.mono) => {
                self.number += 1;
                watched.ask(self.number, now.mono);
                vec![Action::Check { life: watched.life, number: self.number }]
            }
            Phase::Killed { life, again } if *again <= now.mono => {
                *again = now.mono + KILL_AGAIN;
                vec![Action::Kill(*life)]
            }
            Phase::Due { at, cause } if *at <= now.mono => {
                let cause = *cause;
                self.look(Purpose::Start(cause))
            }
            _ => Vec::new(),
        }
    }
}
