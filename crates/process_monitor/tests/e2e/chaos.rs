//! Everything at once and at random: two monitors, many programs, kill -9, SIGSTOP and SIGCONT of whatever there is,
//! restarts of the monitor, edits of its registry. In the end every program is up exactly once, every line that it
//! printed is there exactly once, every restart was counted, and nothing is left over.
//!
//! `TOM_PM_CHAOS_SECONDS` (15) and `TOM_PM_CHAOS_PROGRAMS` (40) make it longer and larger; `TOM_PM_CHAOS_SEED` plays
//! the same dice again.

use crate::harness::{World, is_alive, kill, signal, start_time, variable_of};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

/// The longest wait of the partner's backoff, a start, and a busy machine.
const SETTLES_WITHIN: Duration = Duration::from_secs(120);

/// A number from the environment.
fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// splitmix64: the same seed, the same dice.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn millis(&mut self, bound: u64) -> Duration {
        Duration::from_millis(self.below(bound))
    }
}

/// Something that was stopped, and when it goes on.
struct Sleeper {
    pid: u32,
    started: Option<u64>,
    until: Instant,
}

struct Chaos<'a> {
    world: &'a World,
    dice: Dice,
    programs: Vec<String>,
    /// How often each was killed.
    kills: HashMap<String, usize>,
    killed: HashSet<u32>,
    /// What was last written beside each entry.
    notes: HashMap<String, u64>,
    sleepers: Vec<Sleeper>,
    done: BTreeMap<&'static str, usize>,
}

/// Says its run and a number, and then notes beside it that it has; ten times a second. It forks for nothing.
fn talker(world: &World) -> String {
    let folder = world.path().display();
    let text = format!(
        "#!/bin/bash\nexec 3<> <(:)\nid=$TOM_PM_PROCESS_ID run=$TOM_PM_RUN_ID n=0\n\
         echo $$ > {folder}/pids/$id.new && mv {folder}/pids/$id.new {folder}/pids/$id\n\
         while :; do n=$((n+1)); echo \"$run $n\"; echo $n >> {folder}/said/$id.$run; read -t 0.1 -u 3; done\n"
    );
    for name in ["pids", "said"] {
        fs::create_dir(world.path().join(name)).unwrap();
    }
    world.script("talker", &text)
}

impl<'a> Chaos<'a> {
    fn begin(world: &'a World, seed: u64, programs: u64) -> Self {
        let talker = talker(world);
        let programs: Vec<_> = (0..programs).map(|n| format!("p{n}")).collect();
        let entry = |id: &String| {
            let policy = serde_json::json!({
                "maxAttempts": 1_000_000, "backoffIntervalsMs": [], "resetAfterMs": 3_600_000
            });
            (
                id.clone(),
                serde_json::json!({"id": id, "name": id, "command": talker, "restartPolicy": policy}),
            )
        };
        let entries: serde_json::Map<_, _> = programs.iter().map(entry).collect();
        world.save(serde_json::json!({"instanceId": "default", "processes": entries}).to_string());
        world.start();
        world.begin("watcher");
        world.await_pair();
        Self {
            world,
            dice: Dice(seed),
            programs,
            kills: HashMap::new(),
            killed: HashSet::new(),
            notes: HashMap::new(),
            sleepers: Vec::new(),
            done: BTreeMap::new(),
        }
    }

    fn rage(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.one_thing();
            std::thread::sleep(self.dice.millis(120));
            self.wake(Instant::now());
            // Nobody is left who could bring the other back; a person would.
            if ["default", "watcher"].iter().all(|instance| self.world.pid_of_monitor(instance).is_none()) {
                self.world.start();
            }
        }
    }

    fn one_thing(&mut self) {
        let what = match self.dice.below(100) {
            0..40 => self.kill_program(),
            40..48 => self.pause_program(),
            48..56 => self.kill_monitor("default"),
            56..64 => self.kill_monitor("watcher"),
            64..73 => self.kill_logger(),
            73..76 => self.pause(self.world.pid_of_monitor("default"), 12_000, "default paused"),
            76..79 => self.pause(self.world.pid_of_monitor("watcher"), 12_000, "watcher paused"),
            79..84 => self.pause(self.logger(), 1500, "logger paused"),
            84..90 => self.restart(),
            _ => self.edit(),
        };
        *self.done.entry(what.unwrap_or("nothing to do")).or_default() += 1;
    }

    fn any_program(&mut self) -> String {
        let at = self.dice.below(self.programs.len() as u64);
        self.programs[usize::try_from(at).unwrap()].clone()
    }

    /// The pid of its present run, when that is there and was not killed.
    fn pid_of(&self, id: &str) -> Option<u32> {
        let text = fs::read_to_string(self.world.path().join("pids").join(id)).ok()?;
        let pid: u32 = text.trim().parse().ok()?;
        let is_it = variable_of(pid, "TOM_PM_PROCESS_ID").as_deref() == Some(id);
        (is_it && is_alive(pid) && !self.killed.contains(&pid)).then_some(pid)
    }

    /// Whether somebody beside `victim` has every output open; else what a program printed last may go with them
    /// (ARCHITECTURE, "What remains").
    fn are_held_without(&self, victim: Option<u32>) -> bool {
        let world = self.world;
        let monitors = ["default", "watcher"].iter().filter_map(|instance| world.pid_of_monitor(instance));
        world.are_held_by(monitors.chain(world.loggers()).filter(|pid| Some(*pid) != victim))
    }

    /// kill -9, and wait: what is dead is not to be taken for somebody who holds an output.
    fn kill(&self, pid: u32) {
        kill(pid);
        patiently("it is dead", || !is_alive(pid));
    }

    fn kill_program(&mut self) -> Option<&'static str> {
        let id = self.any_program();
        let pid = self.pid_of(&id)?;
        self.killed.insert(pid);
        self.kill(pid);
        *self.kills.entry(id).or_default() += 1;
        Some("program killed")
    }

    fn pause_program(&mut self) -> Option<&'static str> {
        let id = self.any_program();
        self.pause(self.pid_of(&id), 2000, "program paused")
    }

    fn kill_monitor(&mut self, instance: &str) -> Option<&'static str> {
        let pid = self.world.pid_of_monitor(instance).filter(|pid| self.are_held_without(Some(*pid)))?;
        self.kill(pid);
        Some(if instance == "default" { "default killed" } else { "watcher killed" })
    }

    fn logger(&self) -> Option<u32> {
        self.world.loggers().first().copied()
    }

    fn kill_logger(&mut self) -> Option<&'static str> {
        self.kill(self.logger().filter(|pid| self.are_held_without(Some(*pid)))?);
        Some("logger killed")
    }

    fn pause(&mut self, pid: Option<u32>, at_most: u64, what: &'static str) -> Option<&'static str> {
        let pid = pid?;
        let until = Instant::now() + self.dice.millis(at_most);
        self.sleepers.push(Sleeper { pid, started: start_time(pid), until });
        signal(pid, "STOP");
        Some(what)
    }

    fn wake(&mut self, now: Instant) {
        let (due, later) = std::mem::take(&mut self.sleepers).into_iter().partition(|one| one.until <= now);
        self.sleepers = later;
        let due: Vec<Sleeper> = due;
        for sleeper in due {
            if start_time(sleeper.pid) == sleeper.started {
                signal(sleeper.pid, "CONT");
            }
        }
    }

    /// Waits for it: from the moment in which it is asked for on, the monitor is not one who holds outputs. It waits for
    /// a logger that is away, but not for one that hangs.
    fn restart(&mut self) -> Option<&'static str> {
        let sleeps = |pid: u32| self.sleepers.iter().any(|sleeper| sleeper.pid == pid);
        let hangs = self.world.loggers().into_iter().any(sleeps);
        let is_fit = |pid: &u32| !sleeps(*pid) && (!hangs || self.are_held_without(Some(*pid)));
        self.world.pid_of_monitor("default").filter(is_fit)?;
        let _may_be_starting = self.world.say(["--restart"]);
        Some("monitor restarted")
    }

    fn edit(&mut self) -> Option<&'static str> {
        let (id, note) = (self.any_program(), self.dice.next() >> 12);
        self.world.edit(|registry| registry["processes"][&id]["note"] = note.into());
        self.notes.insert(id, note);
        Some("registry edited")
    }

    fn settle(&mut self) {
        let far = Instant::now() + SETTLES_WITHIN;
        self.wake(far);
        patiently("both monitors are there", || {
            let gone = |instance: &&str| self.world.pid_of_monitor(instance).is_none();
            if ["default", "watcher"].iter().all(&gone) {
                self.world.start();
            }
            !["default", "watcher"].iter().any(gone)
        });
        patiently("every program runs, once", || {
            self.programs.iter().all(|id| self.pid_of(id).is_some()) && self.doubles().is_empty()
        });
    }

    /// Programs of which not exactly one is there.
    fn doubles(&self) -> Vec<String> {
        let mut count: HashMap<String, usize> = HashMap::new();
        for pid in self.world.running("talker") {
            if let Some(id) = variable_of(pid, "TOM_PM_PROCESS_ID") {
                *count.entry(id).or_default() += 1;
            }
        }
        let wrong = |id: &&String| count.get(*id).copied().unwrap_or(0) != 1;
        self.programs.iter().filter(wrong).cloned().collect()
    }

    fn judge(&self) {
        assert_eq!(self.doubles(), [""; 0], "not exactly once");
        for id in &self.programs {
            let kills = self.kills.get(id).copied().unwrap_or(0);
            patiently(&format!("all {kills} restarts of {id} are counted"), || {
                self.world.status(id)["restartAttempts"] == kills
            });
            if let Some(note) = self.notes.get(id) {
                assert_eq!(self.world.entry(id)["note"], *note, "an edit of {id} was lost");
            }
        }
        self.world.ok(&["stop", "all"]);
        for id in &self.programs {
            let kills = self.kills.get(id).copied().unwrap_or(0);
            let deadline = Instant::now() + SETTLES_WITHIN;
            while let Err(wrong) = self.output_is_whole(id, kills + 1) {
                assert!(Instant::now() < deadline, "the output of {id}: {wrong}");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    /// Every run's lines are 1, 2, 3, … up to what it noted; the last may have been said and not noted.
    fn output_is_whole(&self, id: &str, runs: usize) -> Result<(), String> {
        let text = String::from_utf8_lossy(&self.world.output(id, "stdout")).into_owned();
        let mut last: BTreeMap<&str, usize> = BTreeMap::new();
        for line in text.lines() {
            let (run, number) = line.split_once(' ').ok_or_else(|| format!("a torn line {line:?}"))?;
            let number: usize = number.parse().map_err(|_| format!("a torn line {line:?}"))?;
            let before = last.insert(run, number).unwrap_or(0);
            if number != before + 1 {
                return Err(format!("run {run}: {number} follows {before}"));
            }
        }
        let mut started = 0;
        for entry in fs::read_dir(self.world.path().join("said")).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            let Some((of, run)) = name.split_once('.').filter(|(of, _)| *of == id) else { continue };
            started += 1;
            let noted = fs::read_to_string(entry.path()).unwrap().lines().count();
            let said = last.get(run).copied().unwrap_or(0);
            if said != noted && said != noted + 1 {
                return Err(format!("run {run} of {of} said {noted} lines, {said} are there"));
            }
        }
        // One that was killed before it said anything has left no note.
        if started > runs { Err(format!("{started} runs, {runs} were to be")) } else { Ok(()) }
    }
}

fn patiently(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + SETTLES_WITHIN;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {SETTLES_WITHIN:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl World {
    /// The loggers of the instance `default`.
    pub fn loggers(&self) -> Vec<u32> {
        let is_it = |pid: &u32| {
            let words = crate::harness::command_line(*pid);
            words.iter().any(|word| word == "logger") && words.iter().any(|word| word == "default")
        };
        self.running("logger").into_iter().filter(is_it).collect()
    }

    /// Whether some of `holders` has each output of the instance `default` open.
    pub fn are_held_by(&self, holders: impl Iterator<Item = u32>) -> bool {
        let opened = |pid: u32| fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let held: HashSet<PathBuf> =
            holders.flat_map(opened).filter_map(|end| fs::read_link(end.path()).ok()).collect();
        let fifos = fs::read_dir(self.state_file("default", "fifo")).unwrap().flatten();
        let is_output = |path: &PathBuf| path.extension().is_some_and(|ext| ext == "out" || ext == "err");
        fifos.map(|fifo| fifo.path()).filter(is_output).all(|fifo| held.contains(&fifo))
    }

    /// What to look at when something went wrong: it is not removed with the rest.
    fn keep_logs(&self) -> std::path::PathBuf {
        let kept = std::env::temp_dir().join(format!("pm-chaos-{}", std::process::id()));
        fs::create_dir_all(&kept).unwrap();
        for instance in ["default", "watcher"] {
            for name in ["_logs", "_state"] {
                let from = self.path().join(format!("{instance}{name}"));
                let _best_effort = std::process::Command::new("cp")
                    .arg("-r")
                    .arg(from)
                    .arg(kept.join(format!("{instance}{name}")))
                    .output();
            }
        }
        kept
    }
}

/// Keeps the logs of a test that fails.
struct Evidence<'a>(&'a World);

impl Drop for Evidence<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("the logs are kept in {}", self.0.keep_logs().display());
        }
    }
}

/// What still runs after everything was given time to end.
fn left(world: &World) -> Vec<String> {
    let deadline = Instant::now() + crate::harness::PATIENCE;
    loop {
        let left = world.processes();
        if left.is_empty() || Instant::now() > deadline {
            let described = |pid| {
                let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                format!("{:?} {stat}", crate::harness::command_line(pid))
            };
            return left.into_iter().map(described).collect();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn nothing_is_lost_whatever_dies_or_hangs() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    let seed = from_environment("TOM_PM_CHAOS_SEED").unwrap_or(u64::try_from(now % 1_000_000_007).unwrap());
    let seconds = from_environment("TOM_PM_CHAOS_SECONDS").unwrap_or(15);
    println!("play this again with TOM_PM_CHAOS_SEED={seed}");
    let world = World::new();
    let _evidence = Evidence(&world);
    let mut chaos = Chaos::begin(&world, seed, from_environment("TOM_PM_CHAOS_PROGRAMS").unwrap_or(40));
    chaos.rage(Duration::from_secs(seconds));
    println!("{:?}", chaos.done);
    chaos.settle();
    chaos.judge();
    world.ok(&["--stop", "--all"]);
    assert_eq!(left(&world), [""; 0], "something is left");
}
