//! What all tests of processes share: a folder, programs in it, and waiting for what is to come.

use process_monitor_core::exit::Exit;
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::model::StopSignal;
use process_monitor_core::time::Wall;
use process_monitor_host::fd::AsFd;
use process_monitor_host::process::record::{self, Found, Intent, RunRecord};
use process_monitor_host::process::{BootId, Identity, Process, SpawnError, SpawnRequest, spawn};
use process_monitor_host::stock::Stock;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Long enough for a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `condition` holds.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "timed out: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A folder with a run record and an output.
pub struct Stage {
    pub folder: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

impl Stage {
    pub fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        Self { folder: temporary.path().to_owned(), _temporary: Some(temporary) }
    }

    /// A folder that someone else removes.
    pub fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), _temporary: None }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Where its programs print to.
    pub fn stdout_path(&self) -> PathBuf {
        self.file("stdout")
    }

    pub fn record_path(&self) -> PathBuf {
        self.file("web.run")
    }

    pub fn record(&self) -> Found {
        record::read(&self.record_path(), &BootId::current().unwrap()).unwrap()
    }

    pub fn intent(&self, run: &RunId) -> Intent {
        Intent {
            process: ProcessId::new("web").unwrap(),
            run: run.clone(),
            folder: Some(self.folder.clone()),
            boot: BootId::current().unwrap(),
            started_at: Wall::from_unix_millis(0),
            attempts: 3,
        }
    }

    pub fn program(&self, command: impl Into<OsString>) -> Program<'_> {
        let directory = Some(self.folder.clone());
        Program {
            stage: self,
            command: command.into(),
            args: vec![],
            environment: vec![],
            directory,
            run: run_id(),
        }
    }
}

/// A name that no other run has.
pub fn run_id() -> RunId {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let (me, number) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    RunId::new(&format!("t{me}-{:x}-{number}", now.as_nanos())).unwrap()
}

pub struct Program<'a> {
    stage: &'a Stage,
    command: OsString,
    args: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
    pub run: RunId,
}

impl Program<'_> {
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    pub fn try_spawn(&self) -> Result<Process, SpawnError> {
        let output = OpenOptions::new().create(true).append(true).open(self.stage.stdout_path()).unwrap();
        self.try_spawn_with(&output)
    }

    pub fn try_spawn_with(&self, output: &File) -> Result<Process, SpawnError> {
        let intent = self.stage.intent(&self.run);
        let record = RunRecord::create(&self.stage.record_path(), &intent, &Stock::none()).unwrap();
        spawn(&SpawnRequest {
            process: &intent.process,
            run: &self.run,
            command: &self.command,
            executable: None,
            args: self.args.iter().map(OsString::as_os_str).collect(),
            working_directory: self.directory.as_deref(),
            environment: self
                .environment
                .iter()
                .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
                .collect(),
            stdout: output.as_fd(),
            stderr: output.as_fd(),
            record: record.as_fd(),
            keeps: &[],
        })
    }

    pub fn spawn(&self) -> Running {
        Running { process: self.try_spawn().unwrap(), run: self.run.clone() }
    }
}

/// A program that does not outlive the test.
pub struct Running {
    pub process: Process,
    pub run: RunId,
}

impl Running {
    pub fn identity(&self) -> Identity {
        self.process.identity()
    }

    /// Waits for its end.
    pub fn exit(&self) -> Exit {
        assert!(self.process.wait(Some(PATIENCE)).unwrap(), "it does not end");
        self.process.try_exit().unwrap().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already is fine.
        let _ = self.process.signal_group(StopSignal::Kill);
        let _ = self.process.wait(Some(PATIENCE));
        let _ = self.process.try_exit();
    }
}

/// The live processes that are named by their pids in the lines of `path`, as soon as there are `count`.
pub fn announced(path: &Path, count: usize) -> Vec<Identity> {
    let mut found = Vec::new();
    eventually("processes announce themselves", || {
        let text = fs::read_to_string(path).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let pids: Vec<u32> = whole.lines().filter_map(|line| line.trim().parse().ok()).collect();
        found = pids.iter().filter_map(|pid| Identity::of(*pid).unwrap()).collect();
        pids.len() >= count
    });
    found
}

/// Waits until all of them are dead.
pub fn all_die(processes: &[Identity]) {
    for process in processes {
        eventually("it dies", || !process.is_alive().unwrap());
    }
}
