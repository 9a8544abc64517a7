//! The desk at which a scenario is played: one process, `web`, one clock, and a log of what the
//! engine did since it was last read, in short words:
//!
//! `record 0` with attempts · `spawn` · `SIGTERM group` · `SIGTERM leader` · `kill tree` · `kill leader` ·
//! `clear` · `check 1` · `failed 1/2: why` · `stopped>starting` · `forget` · `#1 running` an answer · `#1 refused: …` · `finished`

use process_monitor_core::engine::{Action, Command, Done, Engine, Event, Finding, News, Ticket, View, Wait};
use process_monitor_core::exit::Exit;
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::model::{ProcessEntry, ProcessState, RestartPolicy, StopConfig};
use process_monitor_core::time::{Mono, Now, Wall};
use std::sync::Arc;
use std::time::Duration;

/// What the wall clock shows at the clock's zero.
pub const WALL: i64 = 1_700_000_000_000;

pub fn id() -> ProcessId {
    ProcessId::new("web").unwrap()
}

pub fn entry() -> ProcessEntry {
    ProcessEntry::new(id(), "/bin/web")
}

pub fn with_policy(policy: RestartPolicy) -> ProcessEntry {
    ProcessEntry { restart_policy: Some(policy), ..entry() }
}

pub fn with_stop(stop: StopConfig) -> ProcessEntry {
    ProcessEntry { stop: Some(stop), ..entry() }
}

/// A time of day, in milliseconds since the clock's zero.
pub fn wall(ms: i64) -> Wall {
    Wall::from_unix_millis(WALL + ms)
}

pub struct Desk {
    pub engine: Engine,
    now: Duration,
    log: Vec<String>,
    tickets: u64,
    run: Option<RunId>,
    /// Whether answers are logged with the exit that they tell.
    pub exits_told: bool,
}

impl Desk {
    /// Nothing is registered, and the clock shows zero.
    pub fn empty() -> Self {
        Self {
            engine: Engine::new("test"),
            now: Duration::ZERO,
            log: Vec::new(),
            tickets: 0,
            run: None,
            exits_told: false,
        }
    }

    /// `web` is registered as `entry`.
    pub fn with(entry: ProcessEntry) -> Self {
        let mut desk = Self::empty();
        desk.send(Event::Command(None, Command::Add(Arc::new(entry))));
        desk.log.clear();
        desk
    }

    /// `web` is registered and runs as pid 100; it was started at zero.
    pub fn running(entry: ProcessEntry) -> Self {
        let mut desk = Self::with(entry);
        desk.start();
        desk.spawned(100);
        desk.log.clear();
        desk
    }

    /// A new monitor finds this; the clock shows zero.
    pub fn boot(entry: ProcessEntry, continuing: bool, finding: Finding) -> Self {
        let mut desk = Self::empty();
        desk.send(Event::Found { entry: Arc::new(entry), continuing, finding });
        desk
    }

    /// The desk of the engine that follows this one in the same process; its clock shows zero again. `heard`: the sockets
    /// stayed open in between.
    pub fn followed(&self, heard: bool) -> Self {
        let memory = self.engine.memories(Mono::from_zero(self.now)).next().expect("it is registered");
        let (run, entry) = (self.run(), self.engine.entry(&id()).expect("it is registered"));
        let started = wall(-1_000);
        let alive = Finding::Alive { run, pid: 100, started, attempts: 0, main_known: false, heard };
        let mut next = Self::boot(entry, true, alive);
        next.run.clone_from(&self.run);
        next.send(Event::Recalled(memory));
        next.log.clear();
        next
    }

    pub fn send(&mut self, event: Event) {
        let now = Now { mono: Mono::from_zero(self.now), wall: wall(self.now.as_millis() as i64), dice: 0 };
        for action in self.engine.handle(event, now) {
            if let Action::Spawn { run, .. } = &action {
                self.run = Some(run.clone());
            }
            self.log.extend(words(&action, self.exits_told));
        }
    }

    /// A command of somebody who waits for the answer.
    pub fn command(&mut self, command: Command) {
        self.tickets += 1;
        self.send(Event::Command(Some(Ticket(self.tickets)), command));
    }

    pub fn start(&mut self) {
        self.command(Command::Start { id: id(), wait: Wait::Accepted });
    }

    pub fn start_and_wait(&mut self) {
        self.command(Command::Start { id: id(), wait: Wait::Ready });
    }

    pub fn restart(&mut self) {
        self.command(Command::Restart { id: id(), wait: Wait::Ready });
    }

    pub fn stop(&mut self) {
        self.command(Command::Stop(id()));
    }

    /// The last run to be spawned.
    pub fn run(&self) -> RunId {
        self.run.clone().expect("nothing was spawned")
    }

    pub fn spawned(&mut self, pid: u32) {
        self.send(Event::Spawned { id: id(), run: self.run(), result: Ok(pid) });
    }

    pub fn spawn_fails(&mut self, why: &str) {
        self.send(Event::Spawned { id: id(), run: self.run(), result: Err(why.to_owned()) });
    }

    pub fn exits(&mut self, exit: Exit) {
        self.send(Event::Exited { id: id(), run: self.run(), exit, leftover: false });
    }

    pub fn exits_leaving_workers(&mut self, exit: Exit) {
        self.send(Event::Exited { id: id(), run: self.run(), exit, leftover: true });
    }

    pub fn cleared(&mut self) {
        self.send(Event::Cleared { id: id(), run: self.run() });
    }

    /// Time passes; every deadline is kept.
    pub fn pass(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        while let Some(due) = self.engine.next_deadline().map(|due| due.since(Mono::default())) {
            if due > end {
                break;
            }
            self.now = self.now.max(due);
            self.send(Event::Deadline);
        }
        self.now = end;
    }

    /// What was done since this was last asked.
    pub fn log(&mut self) -> String {
        std::mem::take(&mut self.log).join(", ")
    }

    pub fn view(&self) -> View {
        self.engine.view(&id()).expect("it is registered")
    }

    pub fn state(&self) -> ProcessState {
        self.view().entry.state
    }

    pub fn attempts(&self) -> u32 {
        self.view().entry.restart_attempts
    }

    pub fn message(&self) -> String {
        self.view().message.unwrap_or_default()
    }
}

fn words(action: &Action, exits_told: bool) -> Option<String> {
    let extent = |all, name| if all { name } else { "leader" };
    Some(match action {
        Action::Record { attempts, .. } => format!("record {attempts}"),
        Action::Spawn { .. } => "spawn".to_owned(),
        Action::Signal { signal, group, .. } => format!("{signal} {}", extent(*group, "group")),
        Action::Kill { tree, .. } => format!("kill {}", extent(*tree, "tree")),
        Action::Clear { .. } => "clear".to_owned(),
        Action::Publish { transition, .. } => transition.map(|(from, to)| format!("{from}>{to}"))?,
        Action::Forget(_) => "forget".to_owned(),
        Action::Reply(ticket, Ok(done)) => format!("#{} {}", ticket.0, told(done, exits_told)),
        Action::Reply(ticket, Err(refusal)) => format!("#{} refused: {refusal}", ticket.0),
        Action::Check { number, .. } => format!("check {number}"),
        Action::FindMain { hint, .. } => match hint {
            Some(pid) => format!("is {pid} of it?"),
            None => "find main".to_owned(),
        },
        Action::Adopt { pid, .. } => format!("adopt {pid}"),
        Action::AwaitLine { pattern, .. } => format!("await {pattern:?}"),
        Action::Checked { news, .. } => match news {
            News::Passed => return None,
            News::Recovered { failed } => format!("well again after {failed}"),
            News::Failed { why, in_a_row, limit } => format!("failed {in_a_row}/{limit}: {why}"),
        },
        Action::Finished => "finished".to_owned(),
    })
}

/// `running`, and `running, restart for args`; of an exit that was waited for `stopped after code 0`.
fn told(done: &Done, exits_told: bool) -> String {
    let mut words = done.state.to_string();
    if let Some(exit) = done.last_exit.as_ref().filter(|_| exits_told) {
        let signal = exit.signal.clone().unwrap_or_default();
        words += &exit.code.map_or(format!(" after {signal}"), |code| format!(" after code {code}"));
    }
    if !done.restart_for.is_empty() {
        words += &format!(", restart for {}", done.restart_for.join(" "));
    }
    words
}
