//! The state machine of supervision: [`Engine::handle`] takes an event and the time, and returns
//! what is to be done. It does nothing itself, so every hard case is a test in virtual time.
//!
//! | file | what |
//! | --- | --- |
//! | `state` | the states, the data valid in each, the table of legal transitions |
//! | `event` | events in, actions out |
//! | `answer` | what is answered to a command, and when |
//! | `policy` | whether an exit is restarted, and when |
//! | `process` | one process, and what is shown of it |
//! | `commands`, `happened` | how a command, or what happened, moves it |
//! | `health` | whether it is ready, and stays well |
//! | `main_process` | which process of it goes on |
//! | `between` | what follows the end of a run |
//! | `telling`, `waiting` | who is told, and who waits for what |
//! | `boot` | what a new monitor makes of what an earlier one left |
//! | `memory` | what one that replaces itself tells the next beside that |
//!
//! Invariants (held by the property tests in `tests/engine_histories`):
//! at most one live run per process · a process wanted down ends down · no start before its record ·
//! every stop has a kill deadline · a wait is within its policy's bounds · a result of an earlier run
//! changes nothing · what is disabled never starts.

mod answer;
mod between;
mod boot;
mod commands;
mod event;
mod happened;
mod health;
mod main_process;
mod memory;
pub mod policy;
mod process;
pub mod state;
mod telling;
mod waiting;

pub use answer::{Done, Refusal, Ticket, Wait};
pub use event::{Action, Command, Event, Finding, News, NoMain};
pub use health::Health;
pub use memory::Memory;
pub use process::View;

use crate::id::{ProcessId, RunId};
use crate::model::{ProcessEntry, ProcessState};
use crate::time::{Mono, Now};
use indexmap::IndexMap;
use process::{Context, Process};
use std::collections::BTreeSet;
use std::sync::Arc;

/// All processes of an instance.
#[derive(Debug)]
pub struct Engine {
    /// In the order of registration. Each in a place of its own: a removal moves all that come after in the map.
    processes: IndexMap<ProcessId, Box<Process>>,
    /// One deadline per process at most, the earliest first.
    deadlines: BTreeSet<(Mono, ProcessId)>,
    runs: RunIds,
    life: Life,
    /// How many processes are not at rest: a shutdown is over when none is.
    active: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Supervising,
    ShuttingDown,
    Finished,
}

/// Makes up run ids: an epoch that no other life of a monitor has, and a number.
#[derive(Debug)]
pub(crate) struct RunIds {
    epoch: String,
    next: u64,
}

impl RunIds {
    fn next(&mut self) -> RunId {
        self.next += 1;
        RunId::new(&format!("{}-{:x}", self.epoch, self.next))
            .unwrap_or_else(|_| unreachable_run_id(self.next))
    }
}

/// `epoch` is cut to what an id may hold by [`Engine::new`], so this is never reached; it is written
/// out because a monitor does not panic.
fn unreachable_run_id(number: u64) -> RunId {
    let mut digits = String::from("r");
    digits.push_str(&number.to_string());
    RunId::new(&digits).unwrap_or_else(|_| unreachable_run_id(0))
}

impl Engine {
    /// An engine without processes. `epoch` must differ from that of every other engine that ever
    /// worked on the same directory (letters and digits; others are dropped, 40 are used).
    pub fn new(epoch: &str) -> Self {
        let kept = epoch.chars().filter(char::is_ascii_alphanumeric).take(40);
        let epoch = std::iter::once('r').chain(kept).collect();
        Self {
            processes: IndexMap::new(),
            deadlines: BTreeSet::new(),
            runs: RunIds { epoch, next: 0 },
            life: Life::Supervising,
            active: 0,
        }
    }

    /// Moves the state machine. The actions are to be carried out in their order.
    pub fn handle(&mut self, event: Event, now: Now) -> Vec<Action> {
        let mut actions = Vec::new();
        let mut replies = Vec::new();
        match event {
            Event::Command(ticket, command) => self.command(ticket, command, now, &mut actions, &mut replies),
            Event::Found { entry, continuing, finding } => {
                let id = entry.id.clone();
                self.processes.insert(id.clone(), Box::new(Process::found(Arc::clone(&entry))));
                self.with(&id, now, &mut actions, &mut replies, |p, cx| {
                    p.take_up(entry, continuing, finding, cx);
                    if cx.shutting_down {
                        p.shut_down(cx);
                    }
                });
            }
            Event::Spawned { id, run, result } => {
                self.with(&id, now, &mut actions, &mut replies, |p, cx| p.spawned(&run, result, cx));
            }
            Event::Exited { id, run, exit, leftover } => {
                self.with(&id, now, &mut actions, &mut replies, |p, cx| p.exited(&run, exit, leftover, cx));
            }
            Event::Cleared { id, run } => {
                self.with(&id, now, &mut actions, &mut replies, |p, cx| p.cleared(&run, cx));
            }
            Event::Checked { id, run, number, result } => {
                self.with(&id, now, &mut actions, &mut replies, |p, cx| p.checked(&run, number, result, cx));
            }
            Event::Noticed { id, run, notice } => {
                self.with(&id, now, &mut actions, &mut replies, |p, cx| p.noticed(&run, notice, cx));
            }
            Event::MainFound { id, run, result } => {
                self.with(&id, now, &mut actions, &mut replies, |p, cx| p.main_found(&run, result, cx));
            }
            Event::Abandoned { id, ticket } => {
                if let Some(process) = self.processes.get_mut(&id) {
                    process.abandoned(ticket);
                }
            }
            Event::Recalled(memory) => {
                let id = memory.id.clone();
                self.with(&id, now, &mut actions, &mut replies, |p, cx| p.recall(memory, cx));
            }
            Event::Deadline => self.due(now, &mut actions, &mut replies),
            Event::Shutdown => self.shut_down(now, &mut actions, &mut replies),
        }
        actions.extend(replies);
        if self.life == Life::ShuttingDown && self.active == 0 {
            self.life = Life::Finished;
            actions.push(Action::Finished);
        }
        actions
    }

    /// When [`Event::Deadline`] is wanted next.
    pub fn next_deadline(&self) -> Option<Mono> {
        self.deadlines.first().map(|(due, _)| *due)
    }

    /// What is to be shown of a process.
    pub fn view(&self, id: &ProcessId) -> Option<View> {
        self.processes.get(id).map(|process| process.view())
    }

    /// What a person should know of a process, in words, and its pid: the part of [`View`] that costs
    /// nothing.
    pub fn brief(&self, id: &ProcessId) -> (Option<&str>, Option<u32>) {
        self.processes.get(id).map_or((None, None), |process| process.brief())
    }

    /// The state of a process, as clients see it.
    pub fn state(&self, id: &ProcessId) -> Option<ProcessState> {
        self.processes.get(id).map(|process| process.state.public())
    }

    /// The registry's entry of a process: its configuration with its present runtime state.
    pub fn entry(&self, id: &ProcessId) -> Option<ProcessEntry> {
        self.processes.get(id).map(|process| process.entry())
    }

    /// What [`Engine::entry`] has for the process of `shown`: the same allocation where the two do not differ, so that
    /// the many entries of a large registry are there once for readers and file.
    pub fn to_save(&self, shown: &View) -> Option<Arc<ProcessEntry>> {
        let state = self.processes.get(&shown.entry.id)?.saved_state();
        Some(if state == shown.entry.state {
            Arc::clone(&shown.entry)
        } else {
            Arc::new(ProcessEntry { state, ..ProcessEntry::clone(&shown.entry) })
        })
    }

    /// Every process, in the order of registration.
    pub fn ids(&self) -> impl Iterator<Item = &ProcessId> {
        self.processes.keys()
    }

    fn command(
        &mut self,
        ticket: Option<Ticket>,
        command: Command,
        now: Now,
        actions: &mut Vec<Action>,
        replies: &mut Vec<Action>,
    ) {
        let id = command.id().clone();
        let refusal = match &command {
            _ if self.life != Life::Supervising => Some(Refusal::ShuttingDown),
            Command::Add(_) if self.processes.contains_key(&id) => {
                Some(Refusal::AlreadyExists { id: id.clone() })
            }
            Command::Add(entry) => {
                self.processes.insert(id.clone(), Box::new(Process::found(Arc::clone(entry))));
                None
            }
            _ if !self.processes.contains_key(&id) => Some(Refusal::NotFound { id: id.clone() }),
            _ => None,
        };
        match refusal {
            None => self.with(&id, now, actions, replies, |p, cx| p.command(ticket, command, cx)),
            Some(refusal) => replies.extend(ticket.map(|ticket| Action::Reply(ticket, Err(refusal)))),
        }
    }

    fn due(&mut self, now: Now, actions: &mut Vec<Action>, replies: &mut Vec<Action>) {
        let due: Vec<_> =
            self.deadlines.iter().take_while(|(at, _)| *at <= now.mono).map(|(_, id)| id.clone()).collect();
        for id in due {
            self.with(&id, now, actions, replies, Process::due);
        }
    }

    fn shut_down(&mut self, now: Now, actions: &mut Vec<Action>, replies: &mut Vec<Action>) {
        if self.life != Life::Supervising {
            return;
        }
        self.life = Life::ShuttingDown;
        for id in self.processes.keys().cloned().collect::<Vec<_>>() {
            self.with(&id, now, actions, replies, Process::shut_down);
        }
    }

    /// Lets one process move, then keeps its deadline and the count of active ones true.
    fn with(
        &mut self,
        id: &ProcessId,
        now: Now,
        actions: &mut Vec<Action>,
        replies: &mut Vec<Action>,
        step: impl FnOnce(&mut Process, &mut Context<'_>),
    ) {
        let Some(process) = self.processes.get_mut(id) else { return };
        let mut context = Context {
            now,
            actions,
            replies,
            runs: &mut self.runs,
            shutting_down: self.life != Life::Supervising,
        };
        step(process, &mut context);

        let wanted = if process.removed { None } else { process.next_deadline() };
        if wanted != process.deadline {
            if let Some(old) = process.deadline {
                self.deadlines.remove(&(old, id.clone()));
            }
            process.deadline = wanted;
            self.deadlines.extend(wanted.map(|due| (due, id.clone())));
        }
        let active = !process.removed && !process.state.at_rest();
        match (process.counted_active, active) {
            (false, true) => self.active += 1,
            (true, false) => self.active -= 1,
            _ => {}
        }
        process.counted_active = active;
        if process.removed {
            self.processes.shift_remove(id);
        }
    }
}
