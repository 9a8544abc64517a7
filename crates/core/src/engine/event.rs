//! What the engine is told, and what it wants done.

use crate::exit::Exit;
use crate::id::{ProcessId, RunId};
use crate::model::{ProcessEntry, ProcessState, StopSignal};
use crate::time::Wall;
use std::sync::Arc;

/// Who waits for an answer; the shell makes it up and gets it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What a client wants. The same rule applies however the wish came.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Register; starts nothing.
    Add(Arc<ProcessEntry>),
    /// Stop, then forget.
    Remove(ProcessId),
    /// Start; the answer comes at once, or with `wait` when the outcome is known.
    Start {
        /// Which.
        id: ProcessId,
        /// Answer when it is up, or when it is known that it won't be.
        wait: bool,
    },
    /// Stop; the answer comes when it has stopped.
    Stop(ProcessId),
    /// Stop, then start; answered like [`Command::Start`].
    Restart {
        /// Which.
        id: ProcessId,
        /// As for [`Command::Start`].
        wait: bool,
    },
    /// Allow starts; starts nothing.
    Enable(ProcessId),
    /// Stop, then refuse starts.
    Disable(ProcessId),
    /// Set whether it starts with the monitor.
    Autostart(ProcessId, bool),
    /// New configuration; a live run keeps the old one until it is restarted.
    Configure(Arc<ProcessEntry>),
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
    /// What was left of a run's tree is gone.
    Cleared {
        /// Whose.
        id: ProcessId,
        /// Of which run.
        run: RunId,
    },
    /// [`super::Engine::next_deadline`] has come, or may have.
    Deadline,
    /// Stop everything, for good.
    Shutdown,
}

/// What became of the last run of a process while no monitor was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// No run is recorded, or its end was dealt with.
    Nothing,
    /// It was about to be started, and was not.
    NotStarted {
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
    },
    /// It ended meanwhile.
    Ended {
        /// Which run.
        run: RunId,
        /// How, if anybody knows.
        exit: Exit,
        /// When it was started.
        started: Wall,
        /// When it ended, or was found to have ended.
        at: Wall,
        /// Restarts used by then.
        attempts: u32,
    },
}

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such process.
    #[error("there is no process {id}; `list` shows those that are registered")]
    NotFound {
        /// The id asked for.
        id: ProcessId,
    },
    /// The id is taken.
    #[error("a process {id} is already registered; choose another id, or remove that one first")]
    AlreadyExists {
        /// The id asked for.
        id: ProcessId,
    },
    /// It may not be started.
    #[error("{id} is disabled; enable it first (`enable {id}`)")]
    Disabled {
        /// Which.
        id: ProcessId,
    },
    /// It is on its way out of the registry.
    #[error("{id} is being removed; wait until that is done")]
    BeingRemoved {
        /// Which.
        id: ProcessId,
    },
    /// It was to be started, and did not come up.
    #[error("{id} did not start: {why}")]
    NotStarted {
        /// Which.
        id: ProcessId,
        /// In words.
        why: String,
    },
    /// The monitor is ending.
    #[error("the monitor is stopping; start it again and repeat the command")]
    ShuttingDown,
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
    Reply(Ticket, Result<ProcessState, Refusal>),
    /// Everything is down; the monitor may end.
    Finished,
}
