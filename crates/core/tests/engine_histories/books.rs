//! The books that the world keeps: what a user knows of each process from the commands that were
//! accepted and from what the engine published.

use process_monitor_core::engine::{Command, Event, Refusal, Ticket, Wait};
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::model::{ProcessState, RestartPolicy};
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Up,
    Down,
}

/// A wait before an automatic restart.
#[derive(Debug)]
pub struct Backoff {
    pub from: Duration,
    /// It is the long wait of `retryIndefinitely`.
    pub retrying: bool,
    pub policy: RestartPolicy,
    /// Starts in a row that have failed.
    pub failed_starts: u32,
}

/// What is known of one registered process from the commands that were accepted and from what the
/// engine published: the state machine as a user sees it.
#[derive(Debug, Default)]
pub struct Book {
    pub enabled: bool,
    pub autostart: bool,
    pub removing: bool,
    /// Absent when nobody said.
    pub wanted: Option<Wanted>,
    pub shown: Option<ProcessState>,
    pub wait: Option<Backoff>,
    pub failed_starts: u32,
    /// When it was last signalled, killed, or began to stop.
    pub pushed: Duration,
    pub clearing: Option<RunId>,
    pub cleared: Duration,
    /// A start or restart was accepted, and another run must begin for it.
    pub owed: bool,
    /// Since a shutdown that was cut off: the restart that was under way then may be done now.
    pub cut_off: bool,
    /// The file tells that it was given up.
    pub given_up: bool,
}

impl Book {
    fn down(&mut self) {
        (self.wanted, self.owed) = (Some(Wanted::Down), false);
    }
}

#[derive(Debug, Default)]
pub struct Books {
    pub processes: BTreeMap<ProcessId, Book>,
    /// Who waits for an answer; with the process for whose run's end he waits, if it is for that.
    pub open: BTreeMap<Ticket, Option<ProcessId>>,
    pub shutting_down: bool,
    pub finished: bool,
    /// When deadlines were last handled late.
    pub late: Duration,
}

impl Books {
    pub fn expected_refusal(&self, command: &Command) -> Option<Refusal> {
        let id = command.id().clone();
        let start = matches!(command, Command::Start { .. } | Command::Restart { .. });
        match (self.processes.get(&id), command) {
            _ if self.shutting_down => Some(Refusal::ShuttingDown),
            (Some(_), Command::Add(_)) => Some(Refusal::AlreadyExists { id }),
            (None, Command::Add(_)) => None,
            (None, _) => Some(Refusal::NotFound { id }),
            (Some(book), _) if start && book.removing => Some(Refusal::BeingRemoved { id }),
            (Some(book), _) if start && !book.enabled => Some(Refusal::Disabled { id }),
            _ => None,
        }
    }

    pub fn opened(&mut self, ticket: Ticket, command: &Command) {
        let for_exit = matches!(
            command,
            Command::Start { wait: Wait::Exit, .. } | Command::Restart { wait: Wait::Exit, .. }
        );
        self.open.insert(ticket, for_exit.then(|| command.id().clone()));
    }

    /// `up`: it starts or runs.
    pub fn accepted(&mut self, command: &Command, up: bool) {
        let book = self.processes.entry(command.id().clone()).or_default();
        // What says nothing of up and down leaves that open.
        book.cut_off &= matches!(
            command,
            Command::Signal { .. }
                | Command::Autostart(..)
                | Command::Change { .. }
                | Command::Configure(_)
                | Command::Enable(_)
        );
        book.given_up &= matches!(command, Command::Signal { .. } | Command::Autostart(..));
        match command {
            Command::Add(entry) => {
                *book = Book { enabled: entry.enabled, autostart: entry.autostart, ..Book::default() };
                book.wanted = Some(Wanted::Down);
            }
            Command::Start { .. } | Command::Restart { .. } => {
                book.wanted = Some(Wanted::Up);
                (book.wait, book.failed_starts) = (None, 0);
                book.owed |= !up || matches!(command, Command::Restart { .. });
            }
            Command::Stop(_) => book.down(),
            Command::Remove(_) => {
                book.down();
                book.removing = true;
            }
            Command::Disable(_) => {
                book.enabled = false;
                book.down();
            }
            Command::Signal { .. } => {}
            Command::Change { patch, .. } => book.autostart = patch.0["autostart"] == true,
            Command::Enable(_) => book.enabled = true,
            Command::Autostart(_, on) => book.autostart = *on,
            Command::Configure(entry) => {
                (book.enabled, book.autostart) = (entry.enabled, entry.autostart);
                if !entry.enabled {
                    book.down();
                }
            }
        }
    }

    pub fn shut_down(&mut self) {
        self.shutting_down = true;
        self.processes.values_mut().for_each(Book::down);
    }

    /// The monitor is a new one. After a clean end `autostart` decides what is wanted; else what was.
    /// A shutdown that was not finished leaves open what is wanted.
    pub fn boot(&mut self, continuing: bool) {
        for book in self.processes.values_mut() {
            (book.clearing, book.wait, book.shown) = (None, None, None);
            book.failed_starts = 0;
            book.given_up &= continuing;
            book.cut_off |= self.shutting_down && !self.finished;
            if self.shutting_down {
                let up = !continuing && book.enabled && book.autostart;
                let down = self.finished.then_some(Wanted::Down);
                book.wanted = if up && !book.removing { Some(Wanted::Up) } else { down };
            }
        }
        self.open.clear();
        (self.shutting_down, self.finished) = (false, false);
    }

    pub fn pushed(&mut self, id: &ProcessId, now: Duration) {
        if let Some(book) = self.processes.get_mut(id) {
            book.pushed = now;
        }
    }

    /// A run has ended, and what is left of its tree is to go before the next one starts.
    pub fn clearing(&mut self, id: &ProcessId, run: &RunId) {
        if let Some(book) = self.processes.get_mut(id) {
            book.clearing = Some(run.clone());
        }
    }

    /// A result is about to be told.
    pub fn result(&mut self, event: &Event, now: Duration) {
        if let Event::Spawned { id, result, .. } = event
            && let Some(book) = self.processes.get_mut(id)
        {
            book.failed_starts = if result.is_ok() { 0 } else { book.failed_starts + 1 };
        }
        if let Event::Cleared { id, run } = event
            && let Some(book) = self.processes.get_mut(id)
            && book.clearing.as_ref() == Some(run)
        {
            book.clearing = None;
            book.cleared = now;
        }
    }

    /// The engine itself decided that it stays down, or may: nobody else did.
    pub fn gave_up(&mut self, id: &ProcessId) {
        if let Some(book) = self.processes.get_mut(id) {
            (book.wanted, book.owed) = (None, false);
        }
    }

    /// The file says so.
    pub fn given_up(&mut self, id: &ProcessId) {
        if let Some(book) = self.processes.get_mut(id) {
            book.given_up = true;
        }
    }

    /// A run begins; says whether one was owed.
    pub fn begun(&mut self, id: &ProcessId) -> bool {
        self.processes.get_mut(id).is_some_and(|book| std::mem::take(&mut book.owed))
    }

    /// It did not begin after all: its record was not written yet.
    pub fn not_begun(&mut self, id: &ProcessId) {
        if let Some(book) = self.processes.get_mut(id) {
            book.owed = book.wanted == Some(Wanted::Up);
        }
    }

    pub fn forget(&mut self, id: &ProcessId) {
        self.processes.remove(id);
    }
}
