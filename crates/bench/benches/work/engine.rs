//! One event of one process among many.

use super::entries::{USUAL_MS, entry, id};
use process_monitor_core::engine::{Action, Command, Engine, Event, Wait, policy};
use process_monitor_core::exit::Exit;
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::model::{Backoff, ProcessEntry};
use process_monitor_core::time::{Mono, Now, Wall};
use std::sync::Arc;
use std::time::Duration;

/// How many processes there are.
pub const SIZES: [usize; 3] = [1, 100, 10_000];

/// An engine all of whose processes run and are checked, at moments that are spread over the interval.
pub struct Running {
    engine: Engine,
    /// The one in the middle, to which something happens.
    id: ProcessId,
    run: RunId,
    /// The one that is the first to be removed, and the next to be registered.
    ends: (usize, usize),
    now: Now,
}

fn spawned(actions: &[Action]) -> Option<RunId> {
    actions.iter().find_map(|action| match action {
        Action::Spawn { run, .. } => Some(run.clone()),
        _ => None,
    })
}

fn signalled(actions: &[Action]) -> Option<RunId> {
    actions.iter().find_map(|action| match action {
        Action::Signal { run, .. } => Some(run.clone()),
        _ => None,
    })
}

impl Running {
    /// They are started again after a wait (0: at once) and checked in an interval of so many milliseconds.
    fn new(size: usize, wait_ms: u64, interval_ms: u64) -> Self {
        let now = Now {
            mono: Mono::default() + Duration::from_secs(1),
            wall: Wall::from_unix_millis(1_700_000_000_000),
            dice: 0,
        };
        let engine = Engine::new("bench");
        let (id, run) = (id(size / 2), RunId::new("none").unwrap());
        let mut running = Self { engine, id: id.clone(), run, ends: (0, size), now };
        let spread = u32::MAX / u32::try_from(size).unwrap();
        for number in 0..size {
            running.now.dice = spread * u32::try_from(number).unwrap() + spread / 2;
            running.register(entry(number, &[wait_ms], interval_ms));
        }
        (running.id, running.run) = (id.clone(), running.start(&id));
        running
    }

    fn handle(&mut self, event: Event) -> Vec<Action> {
        self.engine.handle(event, self.now)
    }

    fn command(&mut self, command: Command) -> Vec<Action> {
        self.handle(Event::Command(None, command))
    }

    fn register(&mut self, entry: ProcessEntry) {
        let id = entry.id.clone();
        self.command(Command::Add(Arc::new(entry)));
        self.start(&id);
    }

    /// Starts it, after a stop if it runs.
    fn start(&mut self, id: &ProcessId) -> RunId {
        let mut actions = self.command(Command::Restart { id: id.clone(), wait: Wait::Accepted });
        if let Some(run) = signalled(&actions) {
            actions = self.exited(id, &run);
        }
        self.spawned(id, &actions)
    }

    fn spawned(&mut self, id: &ProcessId, actions: &[Action]) -> RunId {
        let run = spawned(actions).expect("it is started");
        self.handle(Event::Spawned { id: id.clone(), run: run.clone(), result: Ok(100) });
        run
    }

    fn exited(&mut self, id: &ProcessId, run: &RunId) -> Vec<Action> {
        let exit = Exit::Signal(9);
        self.handle(Event::Exited { id: id.clone(), run: run.clone(), exit, leftover: false })
    }

    /// What is due next is due now.
    fn deadline(&mut self) -> Vec<Action> {
        self.now.mono = self.engine.next_deadline().expect("something is due").max(self.now.mono);
        self.handle(Event::Deadline)
    }
}

/// As many, which are started again at once.
pub fn running(size: usize) -> Running {
    Running::new(size, 0, USUAL_MS)
}

/// As many, which are started again after a wait that ends long before any check is due.
pub fn waiting(size: usize) -> Running {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    Running::new(size, 1, 365 * DAY_MS)
}

/// A process crashes, its wait ends if there is one, it is started again.
pub fn crash(mut running: Running) -> Running {
    let (id, run) = (running.id.clone(), running.run.clone());
    let mut actions = running.exited(&id, &run);
    if spawned(&actions).is_none() {
        actions = running.deadline();
    }
    running.run = running.spawned(&id, &actions);
    running
}

/// It is stopped and started by command.
pub fn restart(mut running: Running) -> Running {
    running.run = running.start(&running.id.clone());
    running
}

/// The check that is due next is begun, and passes.
pub fn check(mut running: Running) -> Running {
    for action in running.deadline() {
        if let Action::Check { id, run, number, .. } = action {
            running.handle(Event::Checked { id, run, number, result: Ok(()) });
        }
    }
    running
}

/// Something is told of a run that is long over.
pub fn ignore(mut running: Running) -> Running {
    let (id, run) = (running.id.clone(), RunId::new("earlier").unwrap());
    running.exited(&id, &run);
    running
}

/// What follows each event: what is shown, and saved.
pub fn show(running: Running) -> Running {
    let view = running.engine.view(&running.id).expect("it is there");
    std::hint::black_box(running.engine.to_save(&view));
    running
}

/// One is registered, and the oldest, which runs, is removed.
pub fn replace(mut running: Running) -> Running {
    let (oldest, next) = running.ends;
    running.register(entry(next, &[0], USUAL_MS));
    let oldest_id = id(oldest);
    let actions = running.command(Command::Remove(oldest_id.clone()));
    let run = signalled(&actions).expect("it is asked to end");
    running.exited(&oldest_id, &run);
    assert_eq!(running.engine.state(&oldest_id), None, "it is gone");
    running.ends = (oldest + 1, next + 1);
    running
}

/// The wait after the tenth crash.
pub fn back_off() -> Duration {
    let (delay, max) = (Duration::from_millis(100), Duration::from_secs(60));
    let form = Backoff::Exponential { delay, multiplier: 2.0, max, jitter: 0.5 };
    policy::delay(std::hint::black_box(form), 10, 7)
}
