//! What the engine is told, and what it wants done.

use super::answer::{Done, Refusal, Ticket, Wait};
use super::memory::Memory;
use crate::exit::Exit;
use crate::id::{ProcessId, RunId};
use crate::model::{EntryPatch, ProcessEntry, ProcessState, StopSignal};
use crate::notice::Notice;
use crate::time::Wall;
use std::sync::Arc;

/// What a client wants. The same rule applies however the wish came.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Register; starts nothing.
    Add(Arc<ProcessEntry>),
    /// Stop, then forget.
    Remove(ProcessId),
    /// Start.
    Start {
        /// Which.
        id: ProcessId,
        /// When that is answered.
        wait: Wait,
    },
    /// Stop; the answer comes when it has stopped.
    Stop(ProcessId),
    /// Stop, then start; answered like [`Command::Start`].
    Restart {
        /// Which.
        id: ProcessId,
        /// As for [`Command::Start`].
        wait: Wait,
    },
    /// Send a signal; nothing that is wanted changes.
    Signal {
        /// To which.
        id: ProcessId,
        /// What.
        signal: StopSignal,
        /// To its whole group, not to the process alone.
        group: bool,
    },
    /// Allow starts; starts nothing.
    Enable(ProcessId),
    /// Stop, then refuse starts.
    Disable(ProcessId),
    /// Set whether it starts with the monitor.
    Autostart(ProcessId, bool),
    /// New configuration; a live run keeps the old one until it is restarted.
    Configure(Arc<ProcessEntry>),
    /// Change of the configuration, applied to what it is by then; otherwise as [`Command::Configure`].
    Change {
        /// Whose.
        id: ProcessId,
        /// What is different.
        patch: EntryPatch,
        /// Who wants it, when that peer is not trusted: see [`ProcessEntry::untrusted_peer`].
        untrusted_peer: Option<String>,
    },
}

impl Command {
    /// Whom it is about.
    pub fn id(&self) -> &ProcessId {
        match self {
            Self::Add(entry) | Self::Configure(entry) => &entry.id,
            Self::Remove(id)
            | Self::Stop(id)
            | Self::Enable(id)
            | Self::Disable(id)
            | Self::Autostart(id, _) => id,
            Self::Start { id, .. } | Self::Restart { id, .. } => id,
            Self::Signal { id, .. } | Self::Change { id, .. } => id,
        }
    }
}

/// Something happened. Results carry the run they belong to; those of an earlier run change nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A client wants something. Without a ticket nobody waits for the answer.
    Command(Option<Ticket>, Command),
    /// A process of the registry as it was found when the monitor came up; once for each id.
    Found {
        /// Its entry as the file has it.
        entry: Arc<ProcessEntry>,
        /// The last monitor's end was neither clean nor a reboot: what was wanted up is wanted up.
        continuing: bool,
        /// What became of its last run.
        finding: Finding,
    },
    /// What the engine before this one knew, of a process that was found. Nothing changes but what people are told,
    /// how many checks have failed, and how long it may still take to become ready.
    Recalled(Memory),
    /// A spawn finished.
    Spawned {
        /// Whose.
        id: ProcessId,
        /// Of which run.
        run: RunId,
        /// The pid, or why there is none, in words.
        result: Result<u32, String>,
    },
    /// A run's process ended. Comes after its [`Event::Spawned`] or [`Event::Found`].
    Exited {
        /// Whose.
        id: ProcessId,
        /// Which run.
        run: RunId,
        /// How.
        exit: Exit,
        /// Whether something of its tree may still be there.
        leftover: bool,
    },
    /// A check has its answer.
    Checked {
        /// Whose.
        id: ProcessId,
        /// Of which run.
        run: RunId,
        /// Which check of that run.
        number: u64,
        /// Whether it passed, or the reason in words, without the target.
        result: Result<(), String>,
    },
    /// A run has said something of itself.
    Noticed {
        /// Whose.
        id: ProcessId,
        /// Which run.
        run: RunId,
        /// What.
        notice: Notice,
    },
    /// The process that goes on in place of the one that was started was looked for.
    MainFound {
        /// Whose.
        id: ProcessId,
        /// Of which run.
        run: RunId,
        /// Its pid, which belongs to the run's tree; or why none is known.
        result: Result<u32, NoMain>,
    },
    /// What was left of a run's tree is gone.
    Cleared {
        /// Whose.
        id: ProcessId,
        /// Of which run.
        run: RunId,
    },
    /// Nobody waits for an answer any more; the command itself stays.
    Abandoned {
        /// To whom the command was.
        id: ProcessId,
        /// Whose answer.
        ticket: Ticket,
    },
    /// [`super::Engine::next_deadline`] has come, or may have.
    Deadline,
    /// Stop everything, for good.
    Shutdown,
}

/// Why the process that goes on is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoMain {
    /// Not yet, perhaps; the reason in words.
    Unknown(String),
    /// Nothing of the run's tree is left.
    Gone,
}

/// What a check has brought to light.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It passed, as before.
    Passed,
    /// It passed, after so many had failed.
    Recovered {
        /// How many.
        failed: u32,
    },
    /// It failed.
    Failed {
        /// Target and reason.
        why: String,
        /// How many have failed in a row now.
        in_a_row: u32,
        /// How many are too many.
        limit: u32,
    },
}

impl News {
    pub(super) fn after(failed: u32) -> Self {
        if failed == 0 { Self::Passed } else { Self::Recovered { failed } }
    }
}

/// What became of the last run of a process while no monitor was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// No run is recorded, or its end was dealt with.
    Nothing,
    /// It was about to be started, and was not.
    NotStarted {
        /// Which run.
        run: RunId,
        /// Restarts used by then, that start included.
        attempts: u32,
    },
    /// It still runs.
    Alive {
        /// Which run.
        run: RunId,
        /// Its process.
        pid: u32,
        /// When it was started.
        started: Wall,
        /// Restarts used by then.
        attempts: u32,
        /// Whether the process was told by the program ([`Action::Adopt`]).
        main_known: bool,
        /// Whether nothing can have been missed of what it says of itself.
        heard: bool,
    },
    /// It ended meanwhile.
    Ended {
        /// Which run.
        run: RunId,
        /// Its process.
        pid: u32,
        /// How, if anybody knows.
        exit: Exit,
        /// When it was started.
        started: Wall,
        /// When it ended, or was found to have ended.
        at: Wall,
        /// Restarts used by then.
        attempts: u32,
        /// Whether the process that ended was told by the program ([`Action::Adopt`]).
        main_known: bool,
    },
}

/// What the engine wants done. Actions are carried out in their order.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Note, where it survives us, that this run is about to be spawned.
    Record {
        /// Whose.
        id: ProcessId,
        /// Which.
        run: RunId,
        /// Restarts used so far.
        attempts: u32,
    },
    /// Start it; [`Event::Spawned`] follows. Always after its `Record`.
    Spawn {
        /// Which run.
        run: RunId,
        /// What to start.
        entry: Arc<ProcessEntry>,
    },
    /// Ask it to end.
    Signal {
        /// Whose.
        id: ProcessId,
        /// Which run.
        run: RunId,
        /// With what.
        signal: StopSignal,
        /// The whole group, not only the process itself.
        group: bool,
    },
    /// Kill it, with its tree where `tree` says so; [`Event::Exited`] follows.
    Kill {
        /// Whose.
        id: ProcessId,
        /// Which run.
        run: RunId,
        /// The whole tree, not only the process itself.
        tree: bool,
    },
    /// Kill what is left of a tree whose process has ended; [`Event::Cleared`] follows.
    Clear {
        /// Whose.
        id: ProcessId,
        /// Which run.
        run: RunId,
    },
    /// Check it; [`Event::Checked`] follows within the check's timeout.
    Check {
        /// Whose.
        id: ProcessId,
        /// Which run.
        run: RunId,
        /// Which check of that run.
        number: u64,
        /// What to ask.
        entry: Arc<ProcessEntry>,
    },
    /// Find out which process of the run goes on, by its `statusUrl` or `pidFile`, or see whether `hint` is
    /// one of its tree; [`Event::MainFound`] follows.
    FindMain {
        /// Whose.
        id: ProcessId,
        /// Which run.
        run: RunId,
        /// Whom to ask.
        entry: Arc<ProcessEntry>,
        /// A pid that the program told by itself.
        hint: Option<u32>,
    },
    /// From now on the run's process is this one, which was just found; its exit is the run's.
    Adopt {
        /// Whose.
        id: ProcessId,
        /// Which run.
        run: RunId,
        /// Its process.
        pid: u32,
    },
    /// Tell ([`Notice::Line`]) when the run prints a line that matches.
    AwaitLine {
        /// Whose.
        id: ProcessId,
        /// Which run.
        run: RunId,
        /// A regular expression.
        pattern: String,
    },
    /// Something was found out about its health. Readers see it, files do not have it.
    Checked {
        /// Whose.
        id: ProcessId,
        /// What.
        news: News,
    },
    /// What clients and files show of it has changed.
    Publish {
        /// Whose.
        id: ProcessId,
        /// From which state to which, if that is what changed.
        transition: Option<(ProcessState, ProcessState)>,
        /// Whether it changes what is wanted, and so must be on disk before anybody is told.
        durable: bool,
    },
    /// It is no longer registered.
    Forget(ProcessId),
    /// Answer a command. Not before everything published so far that is `durable` is on disk.
    Reply(Ticket, Result<Done, Refusal>),
    /// Everything is down; the monitor may end.
    Finished,
}
