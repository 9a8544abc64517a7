//! The simulated machine: what is really so, whether or not the monitor knows.

use process_monitor_core::engine::Event;
use process_monitor_core::exit::Exit;
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::time::Wall;
use std::collections::BTreeMap;
use std::time::Duration;

/// A small generator of pseudo-random numbers (xorshift64*), so that a history is a function of its
/// seed and its steps.
#[derive(Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub fn number(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u32) -> bool {
        self.number().is_multiple_of(n)
    }

    pub fn up_to(&mut self, milliseconds: u32) -> Duration {
        Duration::from_millis(u64::from(self.number() % (milliseconds + 1)))
    }
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// The spawn is under way.
    Unborn,
    /// No program was ever started.
    NeverBorn,
    Alive,
    Ended {
        exit: Exit,
        at: Wall,
    },
}

#[derive(Debug)]
pub struct Run {
    pub id: ProcessId,
    pub pid: u32,
    pub started: Wall,
    pub life: Life,
    /// Whether it ends when asked.
    pub obeys: bool,
    /// When the monitor is told of its birth; its exit is told later.
    pub told: Duration,
}

/// Something on its way.
#[derive(Debug)]
pub enum Pending {
    Born(RunId),
    Dies(RunId, Exit),
    /// Only this needs a monitor.
    Tell(Event),
}

/// What is known of a run after the monitor's death.
#[derive(Debug, Clone)]
pub struct Record {
    pub run: RunId,
    pub attempts: u32,
    /// The monitor was told of the run's end, and of the end of its tree.
    pub over: bool,
}

#[derive(Debug)]
pub struct Machine {
    pub now: Duration,
    /// What the wall clock shows at the zero of the other.
    pub wall_at_zero: i64,
    pub chance: Chance,
    pub runs: BTreeMap<RunId, Run>,
    /// No failures from now on: spawns work, nothing ends unless it is told to.
    pub well: bool,
    queue: BTreeMap<(Duration, u64), Pending>,
    count: u64,
}

impl Machine {
    pub fn new(seed: u64) -> Self {
        Self {
            now: Duration::from_secs(1_000),
            wall_at_zero: 1_700_000_000_000,
            chance: Chance::new(seed),
            runs: BTreeMap::new(),
            well: false,
            queue: BTreeMap::new(),
            count: 0,
        }
    }

    pub fn wall(&self) -> Wall {
        Wall::from_unix_millis(self.wall_at_zero + i64::try_from(self.now.as_millis()).unwrap())
    }

    pub fn at(&mut self, time: Duration, what: Pending) {
        self.count += 1;
        self.queue.insert((time, self.count), what);
    }

    pub fn after(&mut self, wait: Duration, what: Pending) {
        self.at(self.now + wait, what);
    }

    pub fn next(&self) -> Option<Duration> {
        self.queue.keys().next().map(|(time, _)| *time)
    }

    pub fn pop(&mut self) -> Option<Pending> {
        self.queue.pop_first().map(|(_, pending)| pending)
    }

    pub fn live_run(&self, id: &ProcessId) -> Option<&RunId> {
        self.runs.iter().find(|(_, run)| run.id == *id && run.life == Life::Alive).map(|(run, _)| run)
    }

    /// Runs that live or may come to live.
    pub fn potential_runs(&self, id: &ProcessId) -> usize {
        self.runs
            .values()
            .filter(|run| run.id == *id && matches!(run.life, Life::Alive | Life::Unborn))
            .count()
    }

    pub fn spawn(&mut self, id: ProcessId, run: RunId) {
        let fails = !self.well && self.chance.one_in(6);
        let takes = self.chance.up_to(40);
        let life = if fails { Life::NeverBorn } else { Life::Unborn };
        let pid = 100 + u32::try_from(self.runs.len()).unwrap();
        let obeys = !self.chance.one_in(4);
        if fails {
            let result = Err(format!("{run}: no such file"));
            self.after(takes, Pending::Tell(Event::Spawned { id: id.clone(), run: run.clone(), result }));
        } else {
            self.after(takes, Pending::Born(run.clone()));
        }
        self.runs.insert(run, Run { id, pid, started: self.wall(), life, obeys, told: Duration::MAX });
    }

    pub fn born(&mut self, of: &RunId) {
        let (wall, told) = (self.wall(), self.now + self.chance.up_to(20));
        let Some(run) = self.runs.get_mut(of) else { return };
        (run.life, run.started, run.told) = (Life::Alive, wall, told);
        let event = Event::Spawned { id: run.id.clone(), run: of.clone(), result: Ok(run.pid) };
        self.at(told, Pending::Tell(event));
        if !self.well && self.chance.one_in(3) {
            let wait = self.chance.up_to(3_000);
            self.after(wait, Pending::Dies(of.clone(), Exit::Code(1)));
        }
    }

    pub fn dies(&mut self, of: &RunId, exit: Exit) {
        let (at, told) = (self.wall(), self.now + self.chance.up_to(20));
        let leftover = self.chance.one_in(3);
        let Some(run) = self.runs.get_mut(of).filter(|run| run.life == Life::Alive) else { return };
        run.life = Life::Ended { exit, at };
        let told = told.max(run.told);
        let event = Event::Exited { id: run.id.clone(), run: of.clone(), exit, leftover };
        self.at(told, Pending::Tell(event));
    }

    pub fn signal(&mut self, of: &RunId) {
        if self.runs.get(of).is_some_and(|run| run.obeys) {
            let wait = self.chance.up_to(1_500);
            self.after(wait, Pending::Dies(of.clone(), Exit::Code(0)));
        }
    }

    /// Once in a while it sleeps in the kernel, and dies only after further kills.
    pub fn kill(&mut self, of: &RunId) {
        let wait = if self.chance.one_in(8) { Duration::from_secs(12) } else { self.chance.up_to(20) };
        self.after(wait, Pending::Dies(of.clone(), Exit::Signal(9)));
    }

    /// The answer comes within the timeout of every form, though perhaps after the next check is due.
    pub fn check(&mut self, id: ProcessId, run: RunId, number: u64) {
        let fails = !self.well && self.chance.one_in(3);
        let result = if fails { Err("refused".to_owned()) } else { Ok(()) };
        let wait = self.chance.up_to(2_000);
        self.after(wait, Pending::Tell(Event::Checked { id, run, number, result }));
    }

    /// Once in a while it does not see all that is left, and says nothing.
    pub fn clear(&mut self, id: ProcessId, run: RunId) {
        if self.well || !self.chance.one_in(10) {
            let wait = self.chance.up_to(4_000);
            self.after(wait, Pending::Tell(Event::Cleared { id, run }));
        }
    }

    /// The monitor is gone: nobody is told; a spawn under way came to something, or it did not.
    pub fn monitor_died(&mut self) {
        for (key, pending) in std::mem::take(&mut self.queue) {
            match pending {
                Pending::Tell(_) => {}
                Pending::Born(run) if self.runs[&run].life == Life::NeverBorn => {}
                Pending::Born(run) if self.chance.one_in(2) => self.born(&run),
                Pending::Born(run) => self.never_born(&run),
                dies @ Pending::Dies(..) => drop(self.queue.insert(key, dies)),
            }
        }
    }

    pub fn never_born(&mut self, of: &RunId) {
        if let Some(run) = self.runs.get_mut(of) {
            run.life = Life::NeverBorn;
        }
    }

    /// Time passes without a monitor.
    pub fn alone_for(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.next().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            match self.pop() {
                Some(Pending::Dies(run, exit)) => self.dies(&run, exit),
                Some(Pending::Born(run)) => self.born(&run),
                Some(Pending::Tell(_)) | None => {}
            }
        }
        self.now = end;
        self.queue.retain(|_, pending| !matches!(pending, Pending::Tell(_)));
        self.runs.values_mut().for_each(|run| run.told = Duration::ZERO);
    }
}
