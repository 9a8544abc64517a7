//! How fast output reaches its files, what that costs, and how fast crashed processes come back meanwhile; beside as
//! many `cat`s from a pipe to a file, and a bare loop of crashes.

mod cats;
mod writer;

pub use writer::write;

use crate::monitor::{Monitor, Works};
use crate::plan::Output;
use crate::stage::{Stage, WRITER};
use cats::Cats;
use serde_json::{Value, json};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use writer::Gate;

/// Between two crashes: output is what is measured, and they shall not be most of the work.
const BETWEEN_CRASHES: Duration = Duration::from_millis(20);

/// How often a log is looked at.
const LOOK: Duration = Duration::from_millis(1);

/// How long all output may take before a measurement has failed.
const PATIENCE: Duration = Duration::from_secs(600);

/// The process that crashes.
const OTHER: &str = "other";

/// One way for output to its files.
pub struct Copied {
    /// From the first byte until everything was there.
    pub taken: Duration,
    /// CPU time of each process that had to do with it.
    pub cpu: Vec<Duration>,
    /// Crash → replacement of another process.
    pub meanwhile: Vec<Duration>,
}

/// By a monitor and its logger, whose CPU times are in this order, and how fast the other came back before there was
/// output; then by `cat`s.
pub struct Captured {
    pub monitor: Copied,
    pub before: Vec<Duration>,
    pub cats: Copied,
}

/// Has `output` written, and another process crash all the while; `kills` times before.
pub fn measure(stage: &Stage, output: Output, kills: usize) -> io::Result<Captured> {
    let cats = Cats::launch(stage, output)?.copy(stage)?;
    let gate = Gate::closed(stage)?;
    let registry = registry(stage, output, &gate);
    let mut monitor = Monitor::launch_on(stage, &format!("captured-{}", output.writers), &registry)?;
    let crash = |monitor: &mut Monitor<'_>| {
        thread::sleep(BETWEEN_CRASHES);
        monitor.crash(OTHER)
    };
    let before = (0..kills).map(|_| crash(&mut monitor)).collect::<io::Result<Vec<_>>>()?;
    let (works, logs) = (monitor.works()?, monitor.directory.join("default_logs"));
    let copy = || {
        Copied::by(&works, || {
            gate.open()?;
            complete(&logs, output)
        })
    };
    let monitor = meanwhile(|| crash(&mut monitor), copy)?;
    fs::remove_dir_all(logs)?;
    Ok(Captured { monitor, before, cats })
}

impl Copied {
    /// What `works` did to `copy`.
    fn by(works: &Works, copy: impl FnOnce() -> io::Result<()>) -> io::Result<Self> {
        let before = works.cpu()?;
        let begun = Instant::now();
        copy()?;
        let taken = begun.elapsed();
        let cpu = works.cpu()?.into_iter().zip(before).map(|(after, before)| after.saturating_sub(before));
        Ok(Self { taken, cpu: cpu.collect(), meanwhile: Vec::new() })
    }
}

/// Copies while something crashes again and again.
fn meanwhile(
    mut crash: impl FnMut() -> io::Result<Duration> + Send,
    copy: impl FnOnce() -> io::Result<Copied>,
) -> io::Result<Copied> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let crashing = scope.spawn(|| {
            let mut taken = Vec::new();
            while !over.load(Ordering::Relaxed) {
                taken.push(crash()?);
            }
            Ok(taken)
        });
        let copied = copy();
        over.store(true, Ordering::Relaxed);
        let meanwhile =
            crashing.join().unwrap_or_else(|_| Err(io::Error::other("the one who kills panicked")));
        Ok(Copied { meanwhile: meanwhile?, ..copied? })
    })
}

/// Writers, and another program that does nothing.
fn registry(stage: &Stage, output: Output, gate: &Gate) -> Value {
    let entry = |name: &str, args: &[String]| {
        json!({
            "id": name, "name": name, "command": stage.executable(), "args": args,
            // No log becomes full.
            "logs": {"maxFileBytes": output.bytes * 2},
            "restartPolicy": {"type": "on-failure", "maxAttempts": 1_000_000, "backoffIntervalsMs": []},
        })
    };
    let writers =
        (0..output.writers).map(|nth| (name(nth), entry(&name(nth), &gate.arguments(stage, nth, output))));
    let other = (OTHER.to_owned(), entry(OTHER, &stage.arguments(OTHER)));
    let processes: serde_json::Map<String, Value> = writers.chain([other]).collect();
    json!({"version": 1, "instanceId": "default", "processes": processes})
}

fn name(nth: usize) -> String {
    format!("{WRITER}-{nth}")
}

/// Waits until each log has everything.
fn complete(logs: &Path, output: Output) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    for folder in (0..output.writers).map(|nth| logs.join(name(nth))) {
        while size(&folder)? < output.bytes {
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("{} does not get all output", folder.display())));
            }
            thread::sleep(LOOK);
        }
    }
    Ok(())
}

/// Of what one writer wrote.
fn size(folder: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for run in fs::read_dir(folder)? {
        let file: PathBuf = run?.path().join("stdout.log");
        sum += fs::metadata(file).map_or(0, |metadata| metadata.len());
    }
    Ok(sum)
}
