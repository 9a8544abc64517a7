//! How long nobody supervises when one of two monitors dies or hangs: from then until a program that was killed at the
//! same moment is back.

use crate::monitor::{registry, run, signal};
use crate::stage::Stage;
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

/// How long the two may take to find each other.
const PATIENCE: Duration = Duration::from_secs(30);

/// Two monitors that watch each other.
pub struct Pair<'a> {
    stage: &'a Stage,
    directory: PathBuf,
    program: u32,
}

impl<'a> Pair<'a> {
    /// A fresh pair with `size` programs: one that was started before would be started again more slowly.
    pub fn launch(stage: &'a Stage, size: usize, name: &str) -> io::Result<Self> {
        let directory = stage.folder().join(format!("pair-{name}"));
        fs::create_dir(&directory)?;
        fs::write(
            directory.join("processes_default.json"),
            registry(stage, size, "capture", None).to_string(),
        )?;
        run(&directory, &[])?;
        run(&directory, &["--instance", "watcher"])?;
        let mut program = 0;
        for _ in 0..size {
            program = stage.next()?.1;
        }
        let pair = Self { stage, directory, program };
        let deadline = Instant::now() + PATIENCE;
        while pair.monitor()?.1 != "running" {
            if Instant::now() > deadline {
                return Err(io::Error::other("the two monitors do not find each other"));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(pair)
    }

    /// Whom the watcher watches, and how it is.
    fn monitor(&self) -> io::Result<(u32, String)> {
        let text = run(&self.directory, &["--instance", "watcher", "--status", "--json"])?;
        let status: Value = serde_json::from_str(&text)?;
        let pid = status["partnerPid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        Ok((pid.unwrap_or_default(), status["partnerStatus"].as_str().unwrap_or_default().to_owned()))
    }

    /// Sends `how` to the monitor and kills a program; the time until that is back. Stops everything.
    pub fn without(self, how: Signal) -> io::Result<Duration> {
        let (monitor, _) = self.monitor()?;
        let begun = Instant::now();
        signal(monitor, how)?;
        signal(self.program, Signal::KILL)?;
        self.stage.next()?;
        let taken = begun.elapsed();
        run(&self.directory, &["--stop", "--all"])?;
        Ok(taken)
    }
}
