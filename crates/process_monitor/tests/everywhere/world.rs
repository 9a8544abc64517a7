//! A monitor of its own for each test: in a temporary directory, driven through the command line as a user would, and leaving
//! nothing behind.

use crate::actor::ACT;
use process_monitor_core::model::StopSignal;
use process_monitor_host::process::{Identity, Process};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take on a busy machine before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// A directory for an instance or a pair, and everything that runs under it.
pub struct World {
    folder: tempfile::TempDir,
}

impl World {
    /// An empty directory; nothing runs.
    pub fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("pm-everywhere-").tempdir().unwrap() }
    }

    /// One with a monitor in the background that has no partner.
    pub fn alone() -> Self {
        let world = Self::new();
        world.start();
        world
    }

    /// Starts that monitor.
    pub fn start(&self) {
        self.ok(["--standalone"]);
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The command line, not run yet.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_process_monitor"));
        command
            .args(args)
            .env("TOM_PM_DIRECTORY", self.path())
            // Some that the system chooses: tests run side by side.
            .env("TOM_PM_ALIVENESS_PORT", "0")
            .env("TOM_PM_API_PORT", "0")
            .env_remove("FAILPOINTS")
            .stdin(Stdio::null())
            .current_dir(self.path());
        command
    }

    /// Runs the command line, which must succeed, and returns its output.
    pub fn ok<S: AsRef<OsStr> + std::fmt::Debug>(&self, args: impl IntoIterator<Item = S>) -> String {
        let Output { status, stdout, stderr } = self.command(args).output().unwrap();
        let (said, told) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(status.success(), "failed ({status}): {said}{told}");
        said.into_owned()
    }

    /// Has the monitor run an act of this executable as process `id`, and waits until it runs.
    pub fn run(&self, id: &str, act: &str) {
        let me = std::env::current_exe().unwrap();
        let restarts = ["--max-attempts", "100", "--backoff", "100ms"];
        let run = ["run".as_ref(), "--name".as_ref(), id.as_ref()].into_iter();
        let run = run.chain(restarts.map(OsStr::new)).chain(["--".as_ref(), me.as_os_str()]);
        self.ok(run.chain([OsStr::new(ACT), OsStr::new(act)]));
        self.running(id);
    }

    /// What `list` says of process `id`.
    pub fn process(&self, id: &str) -> Value {
        let list: Value = serde_json::from_str(&self.ok(["list", "--json"])).unwrap();
        let found = list["processes"].as_array().unwrap().iter().find(|process| process["id"] == id);
        found.unwrap().clone()
    }

    /// Waits until process `id` runs, and gives its pid.
    pub fn running(&self, id: &str) -> u32 {
        self.running_as_other_than(id, 0)
    }

    /// Waits until process `id` runs as another than `before`, and gives its pid.
    pub fn running_as_other_than(&self, id: &str, before: u32) -> u32 {
        let mut pid = 0;
        eventually("it runs", || {
            let process = self.process(id);
            pid = process["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
            process["state"] == "running" && pid != before && pid != 0
        });
        pid
    }

    /// Who the monitor of `instance` is, when one runs.
    pub fn monitor(&self, instance: &str) -> Option<Identity> {
        let file = self.path().join(format!("{instance}_state")).join("monitor.json");
        let identity: Identity = serde_json::from_str(&fs::read_to_string(file).ok()?).ok()?;
        identity.is_alive().unwrap().then_some(identity)
    }

    /// Kills the monitor as a fault would, and waits until it is gone.
    pub fn kill_monitor(&self, instance: &str) {
        kill(self.monitor(instance).expect("it runs"));
    }

    /// The folders of the outputs of process `id`, oldest run first.
    pub fn runs(&self, id: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path().join("default_logs").join(id)).unwrap();
        let mut runs: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        runs.sort();
        runs
    }
}

/// Nothing of a test goes on after it.
impl Drop for World {
    fn drop(&mut self) {
        let stopped = self.command(["--stop", "--all"]).output();
        if !std::thread::panicking() {
            let said = stopped.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
            let running = ["default", "watcher"].map(|instance| self.monitor(instance));
            assert_eq!(running, [None, None], "what runs at the end is stopped: {said:?}");
        }
    }
}

/// Kills a process as a fault would, and waits until it is gone.
pub fn kill(identity: Identity) {
    if let Some(process) = Process::adopt(&identity).unwrap() {
        process.signal(StopSignal::Kill).unwrap();
        assert!(process.wait(Some(PATIENCE)).unwrap(), "it dies");
    }
}

/// Waits until `condition` holds.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "timed out: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
