//! What the tests of processes share.
#![allow(dead_code)] // each test program uses a part of it

use process_monitor_core::exit::Exit;
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::time::Wall;
use process_monitor_host::process::record::{self, Found, Intent, RunRecord};
use process_monitor_host::process::{BootId, Identity, Process, SpawnError, SpawnRequest, spawn};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
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

/// Runs `body` in a process of its own: this test program, told to run `test` alone.
pub fn isolated(test: &str, body: impl FnOnce()) {
    if std::env::var_os("PM_TEST_ISOLATED").is_some_and(|name| name == test) {
        return body();
    }
    let output = isolated_command(test).output().unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The command of [`isolated`], to be run by the caller.
pub fn isolated_command(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    // Two threads, or the test would run in the main thread.
    command.args([test, "--exact", "--nocapture", "--include-ignored", "--test-threads=2"]);
    command.env("PM_TEST_ISOLATED", test);
    command
}

/// A folder with run records and outputs.
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

    pub fn record_path(&self) -> PathBuf {
        self.folder.join("web.run")
    }

    pub fn stdout_path(&self) -> PathBuf {
        self.folder.join("stdout")
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

    pub fn record(&self) -> Found {
        record::read(&self.record_path(), &BootId::current().unwrap()).unwrap()
    }

    /// A file that may be executed, written by a process of its own: a child that another test is just starting has our
    /// descriptors until it executes something, and a file that is open for writing cannot be executed (ETXTBSY).
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.folder.join(name);
        let mut writer = Command::new("sh");
        writer.args(["-c", "cat > \"$0\" && chmod \"$1\" \"$0\""]).arg(&path).arg(format!("{mode:o}"));
        let mut writer = writer.stdin(Stdio::piped()).spawn().unwrap();
        writer.stdin.take().unwrap().write_all(content.as_ref()).unwrap();
        assert!(writer.wait().unwrap().success(), "cannot write {}", path.display());
        path
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

    /// A shell script.
    pub fn script(&self, text: &str) -> Program<'_> {
        self.program("sh").arg("-c").arg(text)
    }
}

/// A name that no other run has.
pub fn run_id() -> RunId {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    RunId::new(&format!("t{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))).unwrap()
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

    pub fn directory(mut self, directory: Option<&Path>) -> Self {
        self.directory = directory.map(Path::to_owned);
        self
    }

    pub fn try_spawn(&self) -> Result<Process, SpawnError> {
        let stdout = OpenOptions::new().create(true).append(true).open(self.stage.stdout_path()).unwrap();
        self.try_spawn_with(&stdout)
    }

    pub fn try_spawn_with(&self, output: &File) -> Result<Process, SpawnError> {
        let record = RunRecord::create(&self.stage.record_path(), &self.stage.intent(&self.run)).unwrap();
        spawn(&SpawnRequest {
            process: &ProcessId::new("web").unwrap(),
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

    pub fn spawn_with(&self, output: &File) -> Running {
        Running { process: self.try_spawn_with(output).unwrap(), run: self.run.clone() }
    }
}

/// A program whose group does not outlive the test.
pub struct Running {
    pub process: Process,
    pub run: RunId,
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.process.identity().pid
    }

    /// Waits for its end.
    pub fn exit(&self) -> Exit {
        assert!(self.process.wait(Some(PATIENCE)).unwrap(), "it does not end");
        self.process.try_exit().unwrap().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        use process_monitor_core::model::StopSignal;
        // Gone already is fine.
        let _ = self.process.signal_group(StopSignal::Kill);
        let _ = self.process.wait(Some(PATIENCE));
        let _ = self.process.try_exit();
    }
}

/// A line of `/proc/PID/status`.
pub fn status(pid: u32, field: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(":"))?;
    Some(line.trim().to_owned())
}

/// `T`, `S`, `Z`, …; `None` when it is gone.
pub fn state(pid: u32) -> Option<char> {
    status(pid, "State")?.chars().next()
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
