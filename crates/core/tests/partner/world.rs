//! A machine with two instances, as far as their policies see it: processes, records, farewells, locks.

use process_monitor_core::exit::Exit;
use process_monitor_core::partner::{
    Action, Answer, Cause, Event, Farewell, Last, Life, Partner, Settings, Sighting,
};
use process_monitor_core::time::{Mono, Now, Wall};
use std::time::Duration;

/// One step of time. Answers and looks take one, too.
pub const TICK: Duration = Duration::from_millis(100);

/// How a wanted end takes its time.
const STOP_TAKES: u32 = 5;

/// Something that befalls the two.
#[derive(Debug, Clone, Copy)]
pub enum Op {
    /// kill -9
    Kill(usize),
    /// SIGSTOP
    Hang(usize),
    /// SIGCONT
    Wake(usize),
    /// A user stops one; it says so first.
    Stop(usize),
    /// A user starts one, running or not.
    Start(usize),
    /// It looks for its partner and wrongly finds it dead.
    Mislead(usize),
    /// Nothing, for so many ticks.
    Wait(u32),
}

/// A process that is, or wants to be, a monitor.
pub struct Monitor {
    instance: usize,
    pub alive: bool,
    hung: bool,
    partner: Option<Partner>,
    /// When it answers.
    ready: u32,
    /// When it ends, as wanted.
    ends: Option<u32>,
    /// What it is told, and when.
    inbox: Vec<(u32, Event)>,
    /// When the partner made itself known: then it looks.
    greeted: Vec<u32>,
    /// Whose end it is to be told.
    watches: Vec<usize>,
    /// Who started it and waits for that.
    starter: Option<usize>,
    by_partner: bool,
    begun: u32,
    /// Not responsive in the last ticks, for the rule that one who answers is not killed.
    unresponsive_until: u32,
}

/// What is on disk of an instance.
#[derive(Default, Clone)]
struct Disk {
    /// The last that took the lock, unless it ended cleanly.
    record: Option<usize>,
    farewell: Option<usize>,
    /// Whether the last was cut off.
    marker: bool,
}

pub struct World {
    pub tick: u32,
    pub monitors: Vec<Monitor>,
    disks: [Disk; 2],
    settings: Settings,
    startup: u32,
    /// When policies started an instance.
    pub starts: [Vec<u32>; 2],
    /// What users last wanted.
    pub wanted: [bool; 2],
    /// Stopped, and not started by a user since.
    quiet: [bool; 2],
    pub losers: usize,
}

impl World {
    pub fn new(start_if_missing: bool, startup: u32) -> Self {
        let settings = Settings { paired: true, look_at_start: true, start_if_missing };
        Self {
            tick: 0,
            monitors: Vec::new(),
            disks: [Disk::default(), Disk::default()],
            settings,
            startup,
            starts: [Vec::new(), Vec::new()],
            wanted: [false; 2],
            quiet: [false; 2],
            losers: 0,
        }
    }

    fn now(&self) -> Now {
        Now { mono: Mono::from_zero(TICK * self.tick), wall: Wall::default(), dice: 0 }
    }

    pub fn holder(&self, instance: usize) -> Option<usize> {
        let holds = |m: &Monitor| m.alive && m.instance == instance && m.partner.is_some();
        let holders: Vec<_> = (0..self.monitors.len()).filter(|n| holds(&self.monitors[*n])).collect();
        assert!(holders.len() <= 1, "two monitors supervise instance {instance}");
        holders.first().copied()
    }

    pub fn op(&mut self, op: Op) {
        match op {
            Op::Kill(i) => self.holder(i).into_iter().for_each(|n| self.die(n, Exit::Signal(9))),
            Op::Hang(i) => self.holder(i).into_iter().for_each(|n| self.monitors[n].hung = true),
            Op::Wake(i) => self.holder(i).into_iter().for_each(|n| self.monitors[n].hung = false),
            Op::Stop(i) => self.stop(i),
            Op::Start(i) => self.spawn(i, None),
            Op::Mislead(i) => {
                if let Some(n) = self.holder(i) {
                    self.tell(n, 0, Event::Seen(Sighting::Gone(Last::Cut)));
                }
            }
            Op::Wait(ticks) => (0..ticks).for_each(|_| self.step()),
        }
    }

    /// A signal reaches one that hangs when it wakes up; here nobody waits for that.
    fn stop(&mut self, instance: usize) {
        let Some(n) = self.holder(instance).filter(|n| !self.monitors[*n].hung) else { return };
        if self.monitors[n].ends.is_some() {
            return;
        }
        self.wanted[instance] = false;
        self.quiet[instance] = true;
        self.disks[instance].farewell = Some(n);
        self.disks[instance].marker = false;
        self.monitors[n].ends = Some(self.tick + STOP_TAKES);
        self.drive(n, Event::Leave);
    }

    fn spawn(&mut self, instance: usize, starter: Option<usize>) {
        self.monitors.push(Monitor {
            instance,
            alive: true,
            hung: false,
            partner: None,
            ready: u32::MAX,
            ends: None,
            inbox: Vec::new(),
            greeted: Vec::new(),
            watches: Vec::new(),
            starter,
            by_partner: starter.is_some(),
            begun: self.tick,
            unresponsive_until: 0,
        });
    }

    fn die(&mut self, n: usize, exit: Exit) {
        if !std::mem::replace(&mut self.monitors[n].alive, false) {
            return;
        }
        let instance = self.monitors[n].instance;
        let said = (self.disks[instance].farewell == Some(n)).then_some(Farewell::Stop);
        let life = life(n);
        for other in 0..self.monitors.len() {
            if self.monitors[other].watches.contains(&n) {
                self.tell(other, 0, Event::Ended { life, exit, farewell: said });
            }
        }
        if let Some(starter) = self.monitors[n].starter.take() {
            self.tell(starter, 1, Event::Started);
        }
    }

    fn tell(&mut self, n: usize, after: u32, event: Event) {
        let at = self.tick + after;
        self.monitors[n].inbox.push((at, event));
    }

    fn sighting(&self, instance: usize) -> Sighting {
        let disk = &self.disks[instance];
        match disk.record {
            Some(n) if self.monitors[n].alive => Sighting::Running { life: life(n), proven: true },
            // Taken off by a clean end, or it left word of its end and was cut off.
            None if disk.farewell.is_some() => Sighting::Gone(Last::Left),
            None => Sighting::Gone(Last::None),
            Some(n) if disk.farewell == Some(n) => Sighting::Gone(Last::Left),
            Some(_) => Sighting::Gone(Last::Cut),
        }
    }

    /// One tick for everybody.
    pub fn step(&mut self) {
        self.tick += 1;
        for n in 0..self.monitors.len() {
            if self.monitors[n].alive && self.monitors[n].partner.is_none() {
                self.try_to_become(n);
            }
            let monitor = &mut self.monitors[n];
            if monitor.hung || self.tick < monitor.ready {
                monitor.unresponsive_until = self.tick;
            }
            if !monitor.alive || monitor.hung {
                continue;
            }
            if monitor.ends.is_some_and(|at| at <= self.tick) {
                self.disks[self.monitors[n].instance].record = None;
                self.die(n, Exit::Code(0));
                continue;
            }
            if monitor.ready == self.tick
                && let Some(starter) = monitor.starter.take()
            {
                self.tell(starter, 0, Event::Started);
            }
            self.serve(n);
        }
        for i in 0..2 {
            let _holder = self.holder(i);
        }
    }

    /// Takes the lock, or leaves.
    fn try_to_become(&mut self, n: usize) {
        let instance = self.monitors[n].instance;
        if self.tick <= self.monitors[n].begun {
            return;
        }
        if self.holder(instance).is_some() {
            self.losers += 1;
            return self.die(n, Exit::Code(0));
        }
        // Whoever was started by a partner looks once more, under the lock: a stop may have come in between.
        if self.monitors[n].by_partner && self.disks[instance].farewell.is_some() {
            self.losers += 1;
            return self.die(n, Exit::Code(0));
        }
        if !self.monitors[n].by_partner {
            self.wanted[instance] = true;
            self.quiet[instance] = false;
        }
        assert!(!self.quiet[instance], "instance {instance} was stopped, and is there again");
        let disk = &mut self.disks[instance];
        let continuing = std::mem::replace(&mut disk.marker, true);
        disk.record = Some(n);
        disk.farewell = None;
        self.monitors[n].ready = self.tick + self.startup;
        self.monitors[n].partner = Some(Partner::new(continuing));
        self.drive(n, Event::Settings(self.settings));
    }

    fn serve(&mut self, n: usize) {
        let tick = self.tick;
        let (due, later) =
            std::mem::take(&mut self.monitors[n].inbox).into_iter().partition(|(at, _)| *at <= tick);
        self.monitors[n].inbox = later;
        let due: Vec<(u32, Event)> = due;
        for (_, event) in due {
            self.drive(n, event);
        }
        if self.monitors[n].greeted.iter().any(|at| *at <= tick) {
            self.monitors[n].greeted.retain(|at| *at > tick);
            let seen = self.sighting(1 - self.monitors[n].instance);
            self.drive(n, Event::Seen(seen));
        }
        let now = self.now();
        let deadline = self.monitors[n].partner.as_ref().and_then(Partner::next_deadline);
        if deadline.is_some_and(|at| at <= now.mono) {
            self.drive(n, Event::Deadline);
        }
    }

    fn drive(&mut self, n: usize, event: Event) {
        let now = self.now();
        let event = self.settled(n, event);
        let Some(partner) = &mut self.monitors[n].partner else { return };
        for action in partner.handle(event, now) {
            self.carry_out(n, action);
        }
    }

    /// A check that waited for its answer is well when the other answers by now.
    fn settled(&self, n: usize, event: Event) -> Event {
        let Event::Checked { life, number, answer: Answer::Failed } = event else { return event };
        let other = &self.monitors[life.pid as usize];
        let well = other.alive && !other.hung && self.tick >= other.ready && n != life.pid as usize;
        let leaving = self.disks[other.instance].farewell == Some(life.pid as usize);
        let answer = if leaving {
            Answer::Leaving
        } else if well {
            Answer::Well
        } else {
            Answer::Failed
        };
        Event::Checked { life, number, answer }
    }

    fn carry_out(&mut self, n: usize, action: Action) {
        let other = 1 - self.monitors[n].instance;
        match action {
            Action::Look => {
                let seen = self.sighting(other);
                self.tell(n, 1, Event::Seen(seen));
            }
            Action::Watch(of) => match self.monitors[of.pid as usize].alive {
                true => self.monitors[n].watches.push(of.pid as usize),
                false => {
                    let farewell =
                        (self.disks[other].farewell == Some(of.pid as usize)).then_some(Farewell::Stop);
                    self.tell(n, 0, Event::Ended { life: of, exit: Exit::Unknown, farewell });
                }
            },
            Action::Check { life: of, number } => self.check(n, of, number),
            Action::Kill(of) => {
                let victim = &self.monitors[of.pid as usize];
                assert!(
                    !victim.alive || self.tick - victim.unresponsive_until <= 30,
                    "one that answered was killed"
                );
                self.die(of.pid as usize, Exit::Signal(9));
            }
            Action::Start(cause) => {
                if cause == Cause::Missing {
                    // That it was stopped once is not held against it.
                    self.disks[other].farewell = None;
                    self.quiet[other] = false;
                }
                self.starts[other].push(self.tick);
                self.spawn(other, Some(n));
            }
        }
    }

    /// A check makes the one that asks known to the one that is asked.
    fn check(&mut self, n: usize, of: Life, number: u64) {
        let target = of.pid as usize;
        let answers = self.monitors[target].alive && !self.monitors[target].hung;
        let after = if answers && self.tick >= self.monitors[target].ready { 1 } else { 20 };
        self.tell(n, after, Event::Checked { life: of, number, answer: Answer::Failed });
        // It waits in the socket of one that hangs.
        self.monitors[target].greeted.push(self.tick + 1);
    }
}

/// Pids are places in the list of monitors, so none is used twice.
fn life(n: usize) -> Life {
    Life { pid: u32::try_from(n).unwrap(), start_time: 7, since: Wall::default() }
}
