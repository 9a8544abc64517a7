//! Where a partner can be, with the data that is valid there.

use super::event::{Answer, Cause, Life};
use super::{CHECK_INTERVAL, CHECK_TIMEOUT, FAILURES, GRACE};
use crate::time::Mono;

/// Where the partner is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    /// None is wanted, or nothing was said of it yet.
    Off,
    /// A look is under way.
    Looking(Purpose),
    /// It is not there, and that is left so. It makes itself known when it comes.
    Absent {
        /// Whether it was there before.
        known: bool,
    },
    /// It runs.
    Watched(Watched),
    /// It hung and was killed; its end is awaited.
    Killed {
        /// Which life.
        life: Life,
        /// When it is killed again.
        again: Mono,
    },
    /// It is to be started.
    Due {
        /// When.
        at: Mono,
        /// Why.
        cause: Cause,
    },
    /// A start is under way.
    Starting(Cause),
}

/// What a look is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To find out whether there is a partner.
    AtStart,
    /// It was stopped, as somebody wanted.
    AfterStop,
    /// It is about to be started.
    Start(Cause),
    /// It has been started.
    AfterStart(Cause),
}

/// A partner that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Watched {
    pub(super) life: Life,
    /// Whether it is the partner beyond doubt, before it has said so.
    pub(super) proven: bool,
    /// Since when it is watched.
    pub(super) since: Mono,
    /// Whether it ever answered.
    pub(super) answered: bool,
    /// Whether it wants no partner.
    pub(super) alone: bool,
    /// The check under way.
    pub(super) asked: Option<u64>,
    leaving: bool,
    failed: u32,
    next: Mono,
}

impl Watched {
    pub(super) fn new(life: Life, proven: bool, now: Mono) -> Self {
        Self {
            life,
            proven,
            since: now,
            answered: false,
            alone: false,
            asked: None,
            leaving: false,
            failed: 0,
            next: now,
        }
    }

    /// When it is to be asked; never while it is being asked. One that leaves or wants no partner is asked
    /// no more.
    pub(super) fn next_check(&self) -> Option<Mono> {
        (self.asked.is_none() && !self.leaving && !self.alone).then_some(self.next)
    }

    pub(super) fn ask(&mut self, number: u64, now: Mono) {
        self.asked = Some(number);
        self.next = now + CHECK_INTERVAL;
    }

    pub(super) fn answered(&mut self, answer: Answer, now: Mono) {
        self.asked = None;
        match answer {
            Answer::Failed => {
                self.failed = self.failed.saturating_add(1);
                // Were the answer late because this machine is busy, the next would be asked for at once.
                self.next = self.next.max(now + CHECK_INTERVAL.saturating_sub(CHECK_TIMEOUT));
            }
            Answer::Well | Answer::Leaving | Answer::Alone => {
                self.failed = 0;
                self.answered = true;
                self.leaving = answer == Answer::Leaving;
                self.alone = answer == Answer::Alone;
            }
        }
    }

    /// Whether it is to be killed. One that never answered may still be starting, and if nothing else
    /// proves that it is the partner, it may be anybody.
    pub(super) fn is_hung(&self, now: Mono) -> bool {
        let is_ours = self.answered || (self.proven && now.since(self.since) >= GRACE);
        self.failed >= FAILURES && is_ours
    }
}
