//! What the policy is told, and what it wants done.

use crate::exit::Exit;
use crate::time::Wall;
use std::fmt;

/// One monitor from its start to its end. A restart in place keeps pid and start time, and has another
/// `since`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Life {
    /// The process id.
    pub pid: u32,
    /// When the process started, in the system's own unit: with the pid it tells it from every other.
    pub start_time: u64,
    /// When it became the monitor of its instance.
    pub since: Wall,
}

impl Life {
    /// Whether both are of the same process.
    pub fn is_process_of(&self, other: &Self) -> bool {
        (self.pid, self.start_time) == (other.pid, other.start_time)
    }
}

/// What the registry and the command line say about the partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Whether a partner is wanted at all: not standalone.
    pub paired: bool,
    /// `discoveryOnStartup`
    pub look_at_start: bool,
    /// `startPartnerIfMissing`
    pub start_if_missing: bool,
}

/// What was found of the partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sighting {
    /// It runs.
    Running {
        /// Which life.
        life: Life,
        /// Whether its own record proves that it is the partner; else somebody merely named its pid.
        proven: bool,
    },
    /// It does not run.
    Gone(Last),
}

/// How the last life of the partner ended, as far as files of this boot tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// There was none.
    None,
    /// It was stopped, and that was wanted.
    Left,
    /// It was cut off.
    Cut,
}

/// What a monitor leaves word of before it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// Its end is wanted.
    Stop,
    /// It was started to have no partner, and so nobody who starts it again.
    Alone,
}

/// The answer to a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is well.
    Well,
    /// It is on its way down, as somebody wants.
    Leaving,
    /// It wants no partner.
    Alone,
    /// It did not answer in time, or not as itself.
    Failed,
}

/// Why the partner is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It was not there, and `startPartnerIfMissing` says that it should be.
    Missing,
    /// It ended, and nobody wanted that.
    Died(Exit),
    /// It was alive and did not answer, so it was killed.
    Hung,
    /// It asked for it, by its exit code ([`RESTART_CODE`](super::RESTART_CODE)).
    Asked,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("it was not there, and startPartnerIfMissing is set"),
            Self::Died(exit) => write!(f, "it ended unexpectedly with {exit}"),
            Self::Hung => f.write_str("it hung: it did not answer, and was killed"),
            Self::Asked => f.write_str("it asked to be restarted"),
        }
    }
}

/// What the policy is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The settings as they are from now on. Nothing happens before the first of these.
    Settings(Settings),
    /// Somebody looked: because of [`Action::Look`], or because the partner made itself known.
    Seen(Sighting),
    /// The process of a watched life has ended.
    Ended {
        /// Which.
        life: Life,
        /// How.
        exit: Exit,
        /// What it left word of.
        farewell: Option<Farewell>,
    },
    /// A check was answered, or was given up.
    Checked {
        /// Which life was asked.
        life: Life,
        /// Which check.
        number: u64,
        /// What came of it.
        answer: Answer,
    },
    /// A start is over, well or not: a look will tell.
    Started,
    /// The time asked for by [`Partner::next_deadline`](super::Partner::next_deadline) has come.
    Deadline,
    /// This monitor is on its way down.
    Leave,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Look for the partner, and tell [`Event::Seen`].
    Look,
    /// Tell [`Event::Ended`] when this life's process ends; at once when it is gone already.
    Watch(Life),
    /// Ask it how it is, and tell [`Event::Checked`] within less than [`CHECK_INTERVAL`](super::CHECK_INTERVAL).
    Check {
        /// Which life.
        life: Life,
        /// To be told back.
        number: u64,
    },
    /// Kill this very process, and nothing that it manages.
    Kill(Life),
    /// Start the partner, and tell [`Event::Started`].
    Start(Cause),
}

/// What is shown of the partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Nobody has seen it, or none is wanted.
    Unknown,
    /// It runs.
    Running(Life),
    /// It is down.
    Stopped,
}
