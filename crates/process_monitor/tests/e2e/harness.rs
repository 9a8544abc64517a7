//! A monitor of its own for each test: in a temporary directory, driven through the command line as
//! a user would, and leaving nothing behind.

use crate::disk::Disk;
pub use crate::processes::{
    all_pids, command_line, in_sessions, is_alive, kill, signal, start_time, variable_of,
};
use crate::processes::{has_in_environment, parent_of, signal_all};
use crate::programs::{copy_program, write_program};
use serde_json::Value;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// How long anything may take on a busy machine before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_process_monitor");

/// A directory for one instance, its monitor, and everything that runs under it.
pub struct World {
    path: PathBuf,
    program: PathBuf,
    // Unmounted before the folder it is mounted on is removed.
    disk: Option<Disk>,
    _folder: tempfile::TempDir,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl World {
    /// An empty directory; nothing runs.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("pm-e2e-").tempdir().unwrap();
        Self { path: folder.path().to_owned(), program: PROGRAM.into(), disk: None, _folder: folder }
    }

    /// An empty directory with a program of its own, which a test may replace.
    pub fn with_own_program() -> Self {
        let mut world = Self::new();
        world.program = world.path.join("bin/process_monitor");
        fs::create_dir(world.path.join("bin")).unwrap();
        world.put_program();
        world
    }

    /// Puts the program that works in its place again.
    pub fn put_program(&self) {
        let new = self.program.with_extension("new");
        // No link: its mode and its content are the test's to change, and others run the same file.
        copy_program(Path::new(PROGRAM), &new);
        fs::rename(&new, &self.program).unwrap();
    }

    /// The program's file.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// An empty directory on a disk of its own; `None` where this user may not mount one.
    pub fn on_disk(kibibytes: u32) -> Option<Self> {
        let mut world = Self::new();
        world.path.push("disk");
        fs::create_dir(&world.path).unwrap();
        world.disk = Some(Disk::mount(&world.path, kibibytes)?);
        Some(world)
    }

    /// A directory that is reached through a symbolic link beside it, `link`.
    pub fn behind_link() -> Self {
        let mut world = Self::new();
        fs::create_dir(world.path.join("real")).unwrap();
        std::os::unix::fs::symlink("real", world.path.join("link")).unwrap();
        world.path.push("link");
        world
    }

    /// The disk of a world that has one.
    pub fn disk(&self) -> &Disk {
        self.disk.as_ref().expect("made by on_disk")
    }

    /// An empty directory with a monitor in the background.
    pub fn started() -> Self {
        let world = Self::new();
        world.start();
        world
    }

    /// The monitor's directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The registry's file.
    pub fn registry(&self) -> PathBuf {
        self.path().join("processes_default.json")
    }

    /// The folder of the instance's private files.
    pub fn state(&self) -> PathBuf {
        self.path().join("default_state")
    }

    /// What there is of runs that are not over, or not seen to be over: FIFOs, and what the logger noted of them.
    pub fn files_of_runs(&self) -> Vec<OsString> {
        let names = fs::read_dir(self.state().join("fifo")).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| !name.to_string_lossy().ends_with(".spare")).collect()
    }

    /// The folder of the outputs of process `id`.
    pub fn logs(&self, id: &str) -> PathBuf {
        self.path().join("default_logs").join(id)
    }

    /// A command line call that has not begun, for those who add to its environment.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(args)
            .env("TOM_PM_DIRECTORY", self.path())
            // Some that the system chooses: tests run side by side.
            .env("TOM_PM_ALIVENESS_PORT", "0")
            .env("TOM_PM_API_PORT", "0")
            .env_remove("FAILPOINTS")
            .current_dir(self.path());
        command
    }

    /// Runs the command line and returns what it said, whatever that is.
    pub fn say<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Said {
        said(self.command(args).output().unwrap())
    }

    /// Runs the command line, which must succeed, and returns its output.
    pub fn ok<S: AsRef<OsStr> + std::fmt::Debug + Clone>(&self, args: &[S]) -> String {
        let said = self.say(args);
        assert_eq!(said.code, Some(0), "{args:?} failed: {}{}", said.stdout, said.stderr);
        said.stdout
    }

    /// Starts the monitor in the background.
    pub fn start(&self) {
        self.ok::<&str>(&[]);
    }

    /// Starts the monitor with a crash point (`name=1*return`); it may die on the way.
    pub fn start_with_failpoint(&self, failpoint: &str) -> Said {
        if !cfg!(feature = "failpoints") {
            panic!("run the tests with --features process_monitor/failpoints");
        }
        said(self.command::<&str>([]).env("FAILPOINTS", failpoint).output().unwrap())
    }

    /// The monitor's pid, when one runs.
    pub fn monitor_pid(&self) -> Option<u32> {
        let text = fs::read_to_string(self.state().join("monitor.json")).ok()?;
        let pid = serde_json::from_str::<Value>(&text).ok()?["pid"].as_u64()?;
        u32::try_from(pid).ok().filter(|pid| is_alive(*pid))
    }

    /// The logger's pid, when one runs.
    pub fn logger_pid(&self) -> Option<u32> {
        self.processes().into_iter().find(|pid| command_line(*pid).iter().any(|word| word == "logger"))
    }

    /// Kills the monitor as a fault would, and waits until it is gone.
    pub fn kill_monitor(&self) {
        let pid = self.monitor_pid().expect("a monitor runs");
        kill(pid);
        eventually("the monitor is gone", || !is_alive(pid));
    }

    /// What `--status --json` says.
    pub fn monitor_status(&self) -> Value {
        serde_json::from_str(&self.ok(&["--status", "--json"])).unwrap()
    }

    /// The port of the API over TCP, as soon as it listens.
    pub fn api_port(&self) -> u16 {
        let mut port = None;
        eventually("the API listens", || {
            port = self.monitor_status()["apiPort"].as_u64();
            port.is_some()
        });
        u16::try_from(port.unwrap()).unwrap()
    }

    /// The address of the API, such as `http://127.0.0.1:40000`.
    pub fn api(&self) -> String {
        format!("http://127.0.0.1:{}", self.api_port())
    }

    /// What `status ID --json` says about a process.
    pub fn status(&self, id: &str) -> Value {
        let text = self.ok(&["status", id, "--json"]);
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"));
        // The status itself, or a list of one.
        let list = value.get("processes").and_then(Value::as_array).and_then(|list| list.first()).cloned();
        list.unwrap_or(value)
    }

    /// The state of a process.
    pub fn state_of(&self, id: &str) -> String {
        self.status(id)["state"].as_str().unwrap_or("?").to_owned()
    }

    /// The pid of a process.
    pub fn pid_of(&self, id: &str) -> Option<u32> {
        self.status(id)["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok())
    }

    /// Waits until a process is in `state`.
    pub fn wait_for_state(&self, id: &str, state: &str) {
        eventually(&format!("{id} is {state}"), || self.state_of(id) == state);
    }

    /// Waits until a process runs with another pid than `old`, and returns it.
    pub fn wait_for_new_pid(&self, id: &str, old: u32) -> u32 {
        let mut new = None;
        eventually(&format!("{id} runs again"), || {
            new = self.pid_of(id).filter(|pid| *pid != old && is_alive(*pid));
            new.is_some()
        });
        new.unwrap()
    }

    /// Everything that runs because of this test: whatever inherited its directory's name.
    pub fn processes(&self) -> Vec<u32> {
        let marker = format!("TOM_PM_DIRECTORY={}", self.path().display());
        all_pids().into_iter().filter(|pid| is_alive(*pid) && has_in_environment(*pid, &marker)).collect()
    }

    /// [`World::processes`] and whatever descends from them: in its exec a process shows no environment.
    fn family(&self) -> HashSet<u32> {
        let mut family: HashSet<u32> = self.processes().into_iter().collect();
        let parents: Vec<_> = all_pids().into_iter().filter_map(|pid| Some((pid, parent_of(pid)?))).collect();
        loop {
            let is_child = |(pid, parent): &&(u32, u32)| family.contains(parent) && !family.contains(pid);
            let children: Vec<u32> =
                parents.iter().filter(is_child).map(|(pid, _)| *pid).filter(|pid| is_alive(*pid)).collect();
            if children.is_empty() {
                return family;
            }
            family.extend(children);
        }
    }

    /// The live processes whose command line contains `word`.
    pub fn running(&self, word: &str) -> Vec<u32> {
        let has_word = |pid: &u32| command_line(*pid).iter().any(|part| part.contains(word));
        self.processes().into_iter().filter(has_word).collect()
    }

    /// The live processes of any run of process `id`: they have its id in their environment.
    pub fn instances(&self, id: &str) -> Vec<u32> {
        let marker = format!("TOM_PM_PROCESS_ID={id}");
        self.processes().into_iter().filter(|pid| has_in_environment(*pid, &marker)).collect()
    }

    /// The live processes in the session that process `id` leads, whatever they made of their environment.
    pub fn session_members(&self, id: &str) -> Vec<u32> {
        self.pid_of(id).map(|leader| in_sessions(&[leader])).unwrap_or_default()
    }

    /// Writes an executable script and returns its path.
    pub fn script(&self, name: &str, text: &str) -> String {
        let path = self.path().join(name);
        write_program(&path, text.as_bytes(), 0o755);
        path.display().to_string()
    }

    /// The newest file of a stream's output: readable while older ones are being renamed.
    pub fn newest_file(&self, id: &str, stream: &str) -> Vec<u8> {
        let run = sorted(&self.logs(id)).pop().unwrap_or_default();
        fs::read(run.join(format!("{stream}.log"))).unwrap_or_default()
    }

    /// All output of a stream of every run of a process, in order, rotated files included.
    pub fn output(&self, id: &str, stream: &str) -> Vec<u8> {
        let mut all = Vec::new();
        for run in sorted(&self.logs(id)) {
            let rotated = |nth: u32| run.join(format!("{stream}.{nth}.log"));
            let oldest = (1..).take_while(|nth| rotated(*nth).exists()).last().unwrap_or(0);
            for nth in (1..=oldest).rev() {
                all.extend(fs::read(rotated(nth)).unwrap());
            }
            all.extend(fs::read(run.join(format!("{stream}.log"))).unwrap_or_default());
        }
        all
    }
}

impl World {
    /// Prints what tells why a test failed, before it is gone: the monitors' logs and registries.
    fn testify(&self) {
        for pid in self.processes() {
            eprintln!("--- {pid} runs: {}", command_line(pid).join(" "));
        }
        for file in sorted(&self.path) {
            let logs = if file.to_string_lossy().ends_with("_logs") { sorted(&file) } else { Vec::new() };
            let registry = file.extension().is_some_and(|extension| extension == "json").then_some(file);
            for path in logs.into_iter().chain(registry).filter(|path| path.is_file()) {
                let text = fs::read(&path).unwrap_or_default();
                let last = &text[text.len().saturating_sub(12_000)..];
                eprintln!("--- {}\n{}", path.display(), String::from_utf8_lossy(last));
            }
        }
    }
}

impl Drop for World {
    /// First nobody can start anything any more, then all of them go: monitors start each other again.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.testify();
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut halted = HashSet::new();
            loop {
                let more: Vec<u32> = self.family().into_iter().filter(|pid| halted.insert(*pid)).collect();
                if more.is_empty() {
                    break;
                }
                signal_all(&more, "STOP");
            }
            if halted.is_empty() || Instant::now() > deadline {
                return;
            }
            signal_all(&halted.into_iter().collect::<Vec<_>>(), "KILL");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect());
    let mut paths: Vec<PathBuf> = entries.unwrap_or_default();
    paths.sort();
    paths
}

pub fn said(output: Output) -> Said {
    Said {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Waits until `condition` holds; fails with `what` when it doesn't.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A TCP port that nobody listens on, and that nobody is given who asks the system for any: those of the monitors beside
/// this one come from `net.ipv4.ip_local_port_range`, which begins at 32768 (ip(7)).
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = std::process::id() % 10_000;
    (0..10_000)
        .map(|_| begin + u32::from(NEXT.fetch_add(1, Ordering::Relaxed)))
        .map(|nth| u16::try_from(20_000 + nth % 10_000).unwrap())
        .find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap()
}

/// Has `command` lead a process group of its own, so that a test's signals do not reach it.
pub fn detached(command: &mut Command) -> &mut Command {
    command.process_group(0)
}
