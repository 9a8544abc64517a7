//! The monitor under measurement: the release binary beside this one.

use crate::api::Ports;
use crate::checks::{INTERVAL, Server};
use crate::stage::Stage;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// A monitor with as many processes as were asked for.
pub struct Monitor<'a> {
    /// Where its processes say that they run.
    pub stage: &'a Stage,
    /// Where it keeps everything.
    pub directory: PathBuf,
    pid: u32,
    /// Its processes, by their names.
    pub pids: HashMap<String, u32>,
    /// From its launch until everything ran.
    pub cold_start: Duration,
}

/// What is still to be written after a storm, is written within this.
pub const SETTLE: Duration = Duration::from_secs(2);

/// What monitor and logger take while nobody wants anything of them.
pub struct Idle {
    /// The share of one core.
    pub cpu: f64,
    /// How often one of their threads woke up, by the count of its context switches: a machine that has other things to
    /// do does not change it.
    pub wakes_per_second: f64,
    /// Proportional memory of the monitor, in bytes.
    pub monitor: u64,
    /// Of its logger.
    pub logger: u64,
}

fn program() -> io::Result<PathBuf> {
    let beside = std::env::current_exe()?.with_file_name("process_monitor");
    if beside.exists() {
        return Ok(beside);
    }
    Err(io::Error::other(format!("{} is missing; build it: cargo build --release", beside.display())))
}

impl<'a> Monitor<'a> {
    /// Writes a registry of `size` workloads and starts a monitor on it, which checks them by `server`.
    pub fn launch(stage: &'a Stage, size: usize, server: Option<&Server>) -> io::Result<Self> {
        let kind = if server.is_some() { "checked" } else { "plain" };
        Self::launch_on(stage, &format!("{size}-{kind}"), &registry(stage, size, server))
    }

    /// Starts a monitor on `registry`, all of whose programs say that they run, in a folder of this name.
    pub fn launch_on(stage: &'a Stage, name: &str, registry: &Value) -> io::Result<Self> {
        let directory = stage.folder().join(format!("monitor-{name}"));
        fs::create_dir(&directory)?;
        fs::write(directory.join("processes_default.json"), registry.to_string())?;
        let size = registry["processes"].as_object().map_or(0, Map::len);
        let (pids, cold_start) = (HashMap::with_capacity(size), Duration::ZERO);
        // From here on it is stopped, whatever happens.
        let mut monitor = Self { stage, directory, pid: 0, pids, cold_start };
        let begun = Instant::now();
        run(&monitor.directory, &[])?;
        while monitor.pids.len() < size {
            let (name, pid) = stage.next()?;
            monitor.pids.insert(name, pid);
        }
        monitor.cold_start = begun.elapsed();
        let info = fs::read(monitor.directory.join("default_state/monitor.json"))?;
        let info: Value = serde_json::from_slice(&info)?;
        let pid = info["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        monitor.pid = pid.ok_or_else(|| io::Error::other("the monitor has not said its pid"))?;
        Ok(monitor)
    }

    /// Kills one process after the other, each time until its replacement says that it runs.
    pub fn replacements(&mut self, times: usize) -> io::Result<Vec<Duration>> {
        let names: Vec<String> = self.pids.keys().cloned().collect();
        names.iter().cycle().take(times).map(|name| self.crash(name)).collect()
    }

    /// Kills a process; the time until its replacement says that it runs.
    pub fn crash(&mut self, name: &str) -> io::Result<Duration> {
        let begun = Instant::now();
        kill(self.pids.get(name).copied().unwrap_or_default())?;
        let (name, pid) = self.stage.next()?;
        let taken = begun.elapsed();
        self.pids.insert(name, pid);
        Ok(taken)
    }

    /// Kills so many at once; the time until all are back.
    pub fn mass_crash(&mut self, many: usize) -> io::Result<Duration> {
        let begun = Instant::now();
        self.pids.values().take(many).try_for_each(|pid| kill(*pid))?;
        for _ in 0..many {
            let (name, pid) = self.stage.next()?;
            self.pids.insert(name, pid);
        }
        Ok(begun.elapsed())
    }

    /// Starts everything that was stopped.
    pub fn start_all(&mut self) -> io::Result<()> {
        run(&self.directory, &["start", "all"])?;
        for _ in 0..self.pids.len() {
            let (name, pid) = self.stage.next()?;
            self.pids.insert(name, pid);
        }
        Ok(())
    }

    /// Stops everything; the time until all processes are gone.
    pub fn stop_all(&mut self) -> io::Result<Duration> {
        let begun = Instant::now();
        run(&self.directory, &["stop", "all"])?;
        Ok(begun.elapsed())
    }

    /// The share of one core that monitor and logger use while nobody wants anything of them.
    pub fn cpu(&self, seconds: u64) -> io::Result<f64> {
        // What is still to be written after the kills is not idleness.
        thread::sleep(SETTLE);
        let works = self.works()?;
        let used = || Ok::<Duration, io::Error>(works.cpu()?.iter().sum());
        let before = used()?;
        thread::sleep(Duration::from_secs(seconds));
        Ok(used()?.saturating_sub(before).as_secs_f64() / seconds as f64)
    }

    /// The processes of which it is made.
    pub fn works(&self) -> io::Result<Works> {
        Ok(Works { monitor: self.pid, logger: self.logger()? })
    }

    /// What both take while nobody wants anything of them, over so many seconds.
    pub fn idle(&self, seconds: u64) -> io::Result<Idle> {
        let logger = self.logger()?;
        let woken = || Ok::<u64, io::Error>(switches(self.pid)? + switches(logger)?);
        // Not counted: that is no idleness yet.
        thread::sleep(SETTLE);
        let before = woken()?;
        let cpu = self.cpu(seconds)?;
        let wakes =
            woken()?.saturating_sub(before) as f64 / (Duration::from_secs(seconds) + SETTLE).as_secs_f64();
        Ok(Idle { cpu, wakes_per_second: wakes, monitor: pss(self.pid)?, logger: pss(logger)? })
    }

    /// Where it listens.
    pub fn ports(&self) -> io::Result<Ports> {
        Ports::of(&self.status()?)
    }

    fn status(&self) -> io::Result<Value> {
        Ok(serde_json::from_str(&run(&self.directory, &["--status", "--json"])?)?)
    }

    fn logger(&self) -> io::Result<u32> {
        let status = self.status()?;
        let pid = status["loggerPid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        pid.ok_or_else(|| io::Error::other("the monitor has no logger"))
    }
}

impl Drop for Monitor<'_> {
    fn drop(&mut self) {
        if let Err(error) = run(&self.directory, &["--stop"]) {
            eprintln!("a monitor is left behind: {error}");
        }
    }
}

/// Monitor and logger.
pub struct Works {
    monitor: u32,
    logger: u32,
}

impl Works {
    /// CPU time of each so far.
    pub fn cpu(&self) -> io::Result<[Duration; 2]> {
        Ok([run_time(self.monitor)?, run_time(self.logger)?])
    }
}

/// With more, output is discarded: captured, it takes three descriptors of the monitor for each and two of the logger, which
/// few machines allow without being told to.
pub const MOST_CAPTURED: usize = 5000;

/// A registry of `size` workloads, which are checked by `server`.
pub fn registry(stage: &Stage, size: usize, server: Option<&Server>) -> Value {
    let output = if size > MOST_CAPTURED { "discard" } else { "capture" };
    let entry = |name: String| {
        let mut entry = json!({
            "id": name, "name": name, "command": stage.executable(), "args": stage.arguments(&name),
            "restartPolicy": {"maxAttempts": 1_000_000, "backoffIntervalsMs": []}, "output": output,
        });
        if let Some(server) = server {
            let interval = u64::try_from(INTERVAL.as_millis()).unwrap_or(u64::MAX);
            entry["alivenessCheck"] =
                json!({"enabled": true, "url": server.url(&name), "intervalMs": interval});
        }
        (name, entry)
    };
    let processes: Map<String, Value> = (0..size).map(|n| entry(n.to_string())).collect();
    // Who measures asks more than anybody should.
    let remote_access = json!({"rateLimit": {"requestsPerSecond": 1e9, "burst": 1_000_000_000}});
    json!({"version": 1, "instanceId": "default", "remoteAccess": remote_access, "processes": processes})
}

/// Runs the command line on `directory`.
pub fn run(directory: &Path, args: &[&str]) -> io::Result<String> {
    let mut command = Command::new(program()?);
    let output = command
        .args(args)
        .env("TOM_PM_DIRECTORY", directory)
        .env("TOM_PM_ALIVENESS_PORT", "0")
        .env("TOM_PM_API_PORT", "0")
        .output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(io::Error::other(format!("{args:?} failed: {}", String::from_utf8_lossy(&output.stderr))))
}

fn kill(pid: u32) -> io::Result<()> {
    signal(pid, Signal::KILL)
}

/// Sends `how` to `pid`.
pub fn signal(pid: u32, how: Signal) -> io::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(|| io::Error::other("no pid"))?;
    Ok(kill_process(pid, how)?)
}

/// Time on a CPU, of all threads (`/proc/PID/task/TID/schedstat`, first field).
pub fn run_time(pid: u32) -> io::Result<Duration> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        sum += text.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or_default();
    }
    Ok(Duration::from_nanos(sum))
}

/// How often threads gave a CPU up by themselves (proc_pid_status(5)).
fn switches(pid: u32) -> io::Result<u64> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(thread?.path().join("status"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        sum += line.and_then(|count| count.trim().parse::<u64>().ok()).unwrap_or_default();
    }
    Ok(sum)
}

fn pss(pid: u32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap_or_default();
    let kib = line.trim().split(' ').next().and_then(|kib| kib.parse::<u64>().ok());
    Ok(kib.unwrap_or_default() * 1024)
}
