//! The shell around the engine, as simple as can be: it carries actions out on the simulated
//! machine, tells the engine what came of them, and writes what must survive it.

use crate::books::Books;
use crate::entries;
use crate::invariants::{self as held, Held};
use crate::machine::{Life, Machine, Pending, Record};
use crate::{Step, Wish};
use process_monitor_core::engine::{Action, Command, Engine, Event, Finding, Ticket, Wait};
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::model::{EntryPatch, ProcessEntry, ProcessState};
use process_monitor_core::time::{Mono, Now};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Longer than the machine takes for anything: no death takes more than twelve seconds.
const QUIET: Duration = Duration::from_secs(30);

/// The states of what is down and stays so.
pub const DOWN: [ProcessState; 3] = [ProcessState::Stopped, ProcessState::Failed, ProcessState::Disabled];

/// Whether a message says that its policy starts it no more.
fn given_up(message: &str) -> bool {
    message.contains("given up after") || message.contains("its policy does not restart it")
}

#[derive(Debug)]
pub struct World {
    pub engine: Engine,
    pub machine: Machine,
    pub books: Books,
    ids: Vec<ProcessId>,
    lives: u32,
    tickets: u64,
    /// The registry's file.
    pub disk: BTreeMap<ProcessId, ProcessEntry>,
    /// State changes that the file does not have yet.
    dirty: BTreeSet<ProcessId>,
    /// The run records.
    pub records: BTreeMap<ProcessId, Record>,
    /// Records that may not be written yet: the one before, and whether the run was owed.
    unwritten: BTreeMap<ProcessId, (Option<Record>, bool)>,
    /// Results the engine was told.
    told: Vec<Event>,
}

impl World {
    pub fn new(processes: usize, seed: u64) -> Self {
        Self {
            engine: Engine::new("life-0"),
            machine: Machine::new(seed),
            books: Books::default(),
            ids: (0..processes).map(|n| ProcessId::new(&format!("p{n}")).unwrap()).collect(),
            lives: 0,
            tickets: 0,
            disk: BTreeMap::new(),
            dirty: BTreeSet::new(),
            records: BTreeMap::new(),
            unwritten: BTreeMap::new(),
            told: Vec::new(),
        }
    }

    pub fn now(&mut self) -> Now {
        let dice = self.machine.chance.number();
        Now { mono: self.mono(), wall: self.machine.wall(), dice }
    }

    pub fn mono(&self) -> Mono {
        Mono::from_zero(self.machine.now)
    }

    pub fn state(&self, id: &ProcessId) -> Option<ProcessState> {
        self.engine.view(id).map(|view| view.entry.state)
    }

    /// Registers every process, in some form.
    pub fn populate(&mut self) -> Held {
        for process in 0..self.ids.len() {
            let form = self.machine.chance.number() as usize % entries::FORMS;
            self.wish(process, Wish::Add { form }, false)?;
        }
        Ok(())
    }

    pub fn step(&mut self, step: &Step) -> Held {
        match step {
            Step::Command { process, wish, ticket } => self.wish(*process, *wish, *ticket)?,
            Step::Pass { time, late: false } => self.pass(*time)?,
            Step::Pass { time, late: true } => self.pass_late(*time)?,
            Step::EarlyDeadline => self.early_deadline()?,
            Step::Exit { process, exit } => {
                let run = self.machine.live_run(&self.ids[*process]).cloned();
                run.into_iter().for_each(|run| self.machine.dies(&run, *exit));
            }
            Step::Stale { which, made_up } => self.stale(*which, *made_up)?,
            Step::SetClock(seconds) => self.machine.wall_at_zero += seconds * 1000,
            Step::Shutdown => self.shut_down()?,
            Step::Crash { away } => self.crash_and_boot(*away)?,
        }
        if self.machine.chance.one_in(2) {
            self.write_what_is_dirty();
        }
        Ok(())
    }

    // ---- what happens ---------------------------------------------------------------------------

    fn wish(&mut self, process: usize, wish: Wish, ticket: bool) -> Held {
        let id = self.ids[process].clone();
        let command = match wish {
            Wish::Add { form } => Command::Add(entries::entry(&id, form)),
            Wish::Remove => Command::Remove(id),
            Wish::Start { wait } => Command::Start { id, wait },
            Wish::Stop => Command::Stop(id),
            Wish::Restart { wait } => Command::Restart { id, wait },
            Wish::Enable => Command::Enable(id),
            Wish::Disable => Command::Disable(id),
            Wish::ChangeAutostart(on) => {
                let patch = [("autostart".to_owned(), on.into())].into_iter().collect();
                Command::Change { id, patch: EntryPatch(patch), untrusted_peer: None }
            }
            Wish::Autostart(on) => Command::Autostart(id, on),
            Wish::Configure { form } => Command::Configure(entries::entry(&id, form)),
        };
        self.command(command, ticket)
    }

    fn command(&mut self, command: Command, ticket: bool) -> Held {
        let ticket = ticket.then(|| {
            self.tickets += 1;
            Ticket(self.tickets)
        });
        let refusal = self.books.expected_refusal(&command);
        if refusal.is_none() {
            let state = self.state(command.id());
            let up = matches!(state, Some(ProcessState::Starting | ProcessState::Running));
            self.books.accepted(&command, up);
        }
        if let Some(ticket) = ticket {
            self.books.opened(ticket, &command);
        }
        let actions = self.tell(Event::Command(ticket, command.clone()))?;
        held::refused_exactly_when_forbidden(&command, ticket, refusal.as_ref(), &actions)
    }

    /// Everything in time, each thing at its time.
    fn pass(&mut self, time: Duration) -> Held {
        let end = self.machine.now + time;
        while let Some(next) = self.next_moment().filter(|next| *next <= end) {
            self.moment(next)?;
        }
        self.machine.now = end;
        Ok(())
    }

    fn next_moment(&self) -> Option<Duration> {
        let deadline = self.engine.next_deadline().map(|due| due.since(Mono::default()));
        deadline.into_iter().chain(self.machine.next()).min()
    }

    fn moment(&mut self, at: Duration) -> Held {
        self.machine.now = self.machine.now.max(at);
        if self.machine.next().is_some_and(|next| next <= at) { self.next_result() } else { self.deadline() }
    }

    fn pass_late(&mut self, time: Duration) -> Held {
        let end = self.machine.now + time;
        while let Some(next) = self.machine.next().filter(|next| *next <= end) {
            self.machine.now = self.machine.now.max(next);
            self.next_result()?;
        }
        self.machine.now = end;
        self.books.late = end;
        self.deadline()
    }

    fn next_result(&mut self) -> Held {
        match self.machine.pop() {
            Some(Pending::Born(run)) => {
                self.unwritten.remove(&self.machine.runs[&run].id);
                self.machine.born(&run);
            }
            Some(Pending::Dies(run, exit)) => self.machine.dies(&run, exit),
            Some(Pending::Tell(event)) => {
                if let Event::Spawned { id, .. } = &event {
                    self.unwritten.remove(id);
                }
                self.told.push(event.clone());
                self.note_ends(&event);
                self.books.result(&event, self.machine.now);
                self.tell(event)?;
            }
            None => {}
        }
        Ok(())
    }

    /// A run is over when the monitor knows that, and its tree is gone or is to be spared.
    fn note_ends(&mut self, event: &Event) {
        let (id, run, over) = match event {
            Event::Spawned { id, run, result } => (id, run, result.is_err()),
            Event::Exited { id, run, leftover, .. } => {
                let left = *leftover && self.engine.entry(id).is_some_and(|entry| entry.stop().kill_tree);
                left.then(|| self.books.clearing(id, run));
                (id, run, !left)
            }
            Event::Cleared { id, run } => (id, run, true),
            _ => return,
        };
        if let Some(record) = self.records.get_mut(id).filter(|record| record.run == *run) {
            record.over |= over;
        }
    }

    fn deadline(&mut self) -> Held {
        self.tell(Event::Deadline)?;
        held::next_deadline_is_never_in_the_past(self)
    }

    fn early_deadline(&mut self) -> Held {
        let due = self.engine.next_deadline().is_some_and(|due| due <= self.mono());
        if due { self.deadline() } else { self.tell_nothing(Event::Deadline) }
    }

    fn stale(&mut self, which: usize, made_up: bool) -> Held {
        let Some(mut event) = self.told.get(which % self.told.len().max(1)).cloned() else { return Ok(()) };
        if let (
            true,
            Event::Spawned { run, .. }
            | Event::Exited { run, .. }
            | Event::Cleared { run, .. }
            | Event::Checked { run, .. },
        ) = (made_up, &mut event)
        {
            *run = RunId::new("of-nobody").unwrap();
        }
        self.tell_nothing(event)
    }

    fn shut_down(&mut self) -> Held {
        self.books.shut_down();
        self.tell(Event::Shutdown).map(drop)
    }

    /// The monitor is killed, or has finished; another one comes. That one may be killed while it
    /// comes up, before it has noted what it found.
    fn crash_and_boot(&mut self, away: Duration) -> Held {
        if self.books.finished {
            self.write_what_is_dirty();
        }
        // A shutdown that was cut off may have been noted or not.
        let noted = self.books.shutting_down && self.machine.chance.one_in(2);
        let continuing = !(self.books.finished || noted);
        while self.machine.chance.one_in(6) {
            let some = self.machine.chance.number() as usize % (self.disk.len() + 1);
            self.boot(away, continuing, some)?;
        }
        self.boot(away, continuing, usize::MAX)?;
        self.write_what_is_dirty();
        Ok(())
    }

    /// A new monitor takes up the first `some` processes.
    fn boot(&mut self, away: Duration, continuing: bool, some: usize) -> Held {
        self.lose_unwritten_records();
        self.machine.monitor_died();
        self.machine.alone_for(away);
        self.books.boot(continuing);
        self.dirty.clear();
        self.told.clear();
        self.lives += 1;
        self.engine = Engine::new(&format!("life-{}", self.lives));
        for entry in self.disk.values().take(some).cloned().collect::<Vec<_>>() {
            let (id, finding) = (entry.id.clone(), self.finding(&entry.id));
            let entry_clears = entry.stop().kill_tree;
            let found = Event::Found { entry: Arc::new(entry), continuing, finding: finding.clone() };
            self.books.pushed(&id, self.machine.now);
            if let (Finding::Ended { run, .. }, true) = (&finding, entry_clears) {
                self.books.clearing(&id, run);
            }
            let actions = self.tell(found)?;
            held::boot_never_starts_a_process_whose_run_is_alive(&finding, &actions)?;
            held::adopted_process_keeps_its_pid(self, &id, &finding)?;
        }
        Ok(())
    }

    /// The registry may have been saved before the record of a run was written, let alone the run begun.
    fn lose_unwritten_records(&mut self) {
        for (id, (before, owed)) in std::mem::take(&mut self.unwritten) {
            if self.machine.chance.one_in(2) {
                continue;
            }
            let lost = match before {
                Some(before) => self.records.insert(id.clone(), before),
                None => self.records.remove(&id),
            };
            lost.iter().for_each(|lost| self.machine.never_born(&lost.run));
            if owed {
                self.books.not_begun(&id);
            }
        }
    }

    fn finding(&self, id: &ProcessId) -> Finding {
        let Some(Record { run, attempts, .. }) = self.records.get(id).cloned() else {
            return Finding::Nothing;
        };
        let found = &self.machine.runs[&run];
        let started = found.started;
        match found.life {
            Life::Alive => {
                Finding::Alive { run, pid: found.pid, started, attempts, main_known: false, heard: false }
            }
            Life::Ended { exit, at } => {
                Finding::Ended { run, pid: found.pid, exit, started, at, attempts, main_known: false }
            }
            Life::NeverBorn | Life::Unborn => Finding::NotStarted { run, attempts },
        }
    }

    // ---- the engine and its actions -------------------------------------------------------------

    /// Tells the engine, checks what it answers, and carries it out.
    fn tell(&mut self, event: Event) -> Result<Vec<Action>, TestCaseError> {
        let now = self.now();
        let booting = matches!(event, Event::Found { .. });
        let actions = self.engine.handle(event, now);
        held::replies_come_last(&actions)?;
        for action in &actions {
            self.carry_out(action, booting)?;
        }
        let shown: Vec<_> = self
            .engine
            .ids()
            .filter_map(|id| Some((id.clone(), Arc::clone(&self.engine.view(id)?.entry))))
            .collect();
        self.books.only_legal_transitions(&shown)?;
        held::every_stop_has_a_kill_deadline(self, &shown)?;
        held::attempts_stay_within_the_policy(&shown)?;
        Ok(actions)
    }

    /// The same for what must change nothing.
    fn tell_nothing(&mut self, event: Event) -> Held {
        let before = self.picture();
        let actions = self.tell(event.clone())?;
        held::results_of_earlier_runs_change_nothing(&event, &actions, &before, &self.picture())
    }

    fn picture(&self) -> (Option<Mono>, Vec<ProcessEntry>) {
        (self.engine.next_deadline(), self.engine.ids().filter_map(|id| self.engine.entry(id)).collect())
    }

    fn carry_out(&mut self, action: &Action, booting: bool) -> Held {
        let now = self.machine.now;
        match action {
            Action::Record { id, run, attempts } => {
                self.books.delay_within_policy_bounds(id, *attempts, now)?;
                let record = Record { run: run.clone(), attempts: *attempts, over: false };
                let before = self.records.insert(id.clone(), record);
                let owed = self.books.begun(id);
                self.unwritten.insert(id.clone(), (before, owed));
            }
            Action::Spawn { run, entry } => {
                held::no_start_before_its_record(self, &entry.id, run)?;
                held::at_most_one_live_run_per_process(self, &entry.id)?;
                self.books.may_start(entry)?;
                self.machine.spawn(entry.id.clone(), run.clone());
            }
            Action::Signal { id, run, .. } => {
                self.books.pushed(id, now);
                self.machine.signal(run);
            }
            Action::Kill { id, run, .. } => {
                self.books.pushed(id, now);
                self.machine.kill(run);
            }
            Action::Clear { id, run } => {
                self.books.pushed(id, now);
                self.books.clearing(id, run);
                self.machine.clear(id.clone(), run.clone());
            }
            Action::Publish { id, transition, durable } => {
                let policy = self.engine.entry(id).map(|entry| entry.restart_policy());
                self.books.published(id, *transition, booting, policy, now)?;
                let (message, _) = self.engine.brief(id);
                if message.is_some_and(|message| message.starts_with("it did not become ready")) {
                    self.books.gave_up(id);
                }
                self.dirty.insert(id.clone());
                if *durable {
                    self.write(id);
                }
            }
            Action::Forget(id) => {
                self.disk.remove(id);
                self.records.remove(id);
                self.unwritten.remove(id);
                self.dirty.remove(id);
                self.books.forget(id);
            }
            Action::Reply(ticket, answer) => self.books.answered(*ticket, answer)?,
            Action::Check { id, run, number, .. } => self.machine.check(id.clone(), run.clone(), *number),
            Action::FindMain { .. }
            | Action::Adopt { .. }
            | Action::AwaitLine { .. }
            | Action::Checked { .. } => {}
            Action::Finished => held::finished_once_and_when_all_is_down(self)?,
        }
        Ok(())
    }

    fn write(&mut self, id: &ProcessId) {
        self.dirty.remove(id);
        // It may have been removed in the same step.
        let Some(entry) = self.engine.entry(id) else { return };
        let down = matches!(entry.state, ProcessState::Stopping | ProcessState::Failed);
        if down && self.engine.brief(id).0.is_some_and(given_up) {
            self.books.given_up(id);
        }
        let rests = self.state(id).is_some_and(|state| DOWN.contains(&state));
        self.disk.insert(id.clone(), entry);
        if rests && self.records.get(id).is_some_and(|record| record.over) {
            self.records.remove(id);
        }
    }

    fn write_what_is_dirty(&mut self) {
        for id in std::mem::take(&mut self.dirty) {
            self.write(&id);
        }
    }

    fn all_are_settled(&self) -> bool {
        let states = self.engine.ids().filter_map(|id| self.state(id));
        states.into_iter().all(|state| {
            matches!(
                state,
                ProcessState::Running | ProcessState::Stopped | ProcessState::Failed | ProcessState::Disabled
            )
        })
    }

    // ---- the end of a history -------------------------------------------------------------------

    /// The machine is well, nobody wants anything: all comes to rest, then all can be started, and
    /// then all is shut down.
    pub fn come_to_rest(mut self) -> Held {
        self.machine.well = true;
        self.settle()?;
        held::wanted_down_ends_down(&self)?;
        held::an_accepted_start_ends_with_a_new_run(&self)?;
        held::given_up_stays_given_up(&self)?;
        held::what_was_removed_is_gone(&self)?;
        held::every_ticket_is_answered_exactly_once(&self)?;
        if !self.books.shutting_down {
            self.start_all()?;
            self.shut_down()?;
            self.settle()?;
        }
        held::shutdown_finishes(&self)
    }

    fn start_all(&mut self) -> Held {
        let all: Vec<_> = self.engine.ids().cloned().collect();
        for id in &all {
            self.command(Command::Start { id: id.clone(), wait: Wait::Ready }, true)?;
        }
        self.settle()?;
        held::every_ticket_is_answered_exactly_once(self)?;
        all.iter().try_for_each(|id| held::wanted_up_ends_up(self, id))
    }

    /// Lets pass as much time as it takes until nothing is pending but checks, which never end, and
    /// resets of attempts.
    fn settle(&mut self) -> Held {
        let mut moments = 0;
        let quiet = self.machine.now + QUIET;
        while let Some(next) = self.next_moment() {
            if next > quiet && self.all_are_settled() {
                break;
            }
            self.moment(next)?;
            moments += 1;
            prop_assert!(moments < 20_000, "comes_to_rest: it does not; {:?}", self.picture());
        }
        Ok(())
    }
}
