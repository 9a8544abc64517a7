//! The command line as a user types it: exit codes, what is printed where, and what works on files
//! while no monitor runs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_process_monitor");
const WATCHER: &str = env!("CARGO_BIN_EXE_monitor_watcher");

/// A directory of its own; a monitor that a test starts in it is stopped at the end.
struct World(tempfile::TempDir);

/// How a command ended, and what it printed.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl World {
    fn new() -> Self {
        Self(tempfile::Builder::new().prefix("pm-cli-").tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn registry(&self) -> PathBuf {
        self.path().join("processes_default.json")
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .env("TOM_PM_DIRECTORY", self.path())
            .env("TOM_PM_API_PORT", "0")
            .env_remove("TOM_PM_LOG")
            .stdin(Stdio::null());
        command
    }

    fn say(&self, args: &[&str]) -> Said {
        said(self.command(PROGRAM, args))
    }

    #[track_caller]
    fn ok(&self, args: &[&str]) -> String {
        let said = self.say(args);
        assert_eq!(said.code, Some(0), "{args:?}: {said:?}");
        said.out
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        let args = [args, &["--json"]].concat();
        serde_json::from_str(&self.ok(&args)).unwrap()
    }

    /// A log file of a run of `process`.
    fn print(&self, process: &str, run: &str, stream: &str, text: &str) {
        let folder = self.path().join("default_logs").join(process).join(run);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{stream}.log")), text).unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for program in [PROGRAM, WATCHER] {
            let _not_running = self.command(program, &["--stop"]).output();
        }
    }
}

fn said(mut command: Command) -> Said {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Whether a process runs; a zombie does not.
fn lives(pid: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
    stat.is_ok_and(|stat| !stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')))
}

#[test]
fn what_needs_a_monitor_fails_with_3_and_says_how_to_start_it() {
    let world = World::new();
    world.ok(&["add", "--name", "web", "--", "sleep", "1"]);
    for args in [
        &["start", "web"][..],
        &["stop", "web"],
        &["restart", "all"],
        &["add", "--start", "--", "sleep", "1"],
        &["--stop"],
        &["--status"],
        &["--restart"],
    ] {
        let said = world.say(args);
        assert_eq!(said.code, Some(3), "{args:?}: {said:?}");
        assert!(said.err.starts_with("error: the monitor of instance default in "), "{said:?}");
        assert!(said.err.contains("start it with: ") && said.out.is_empty(), "{said:?}");
    }
    assert_eq!(world.json(&["list"])["processes"].as_array().unwrap().len(), 1, "add --start added nothing");
}

#[test]
fn wrong_usage_fails_with_2() {
    let world = World::new();
    for args in [
        &["--no-such-flag"][..],
        &["no-such-command"],
        &["start"],
        &["start", "a/b"],
        &["start", "../x"],
        &["--stop", "--status"],
        &["--stop", "list"],
        &["run"],
        &["add", "--backoff", "5", "--", "true"],
        &["add", "--delay", "1s", "--backoff", "1s", "--", "true"],
        &["autostart", "web", "perhaps"],
        &["--instance", "a b"],
    ] {
        let said = world.say(args);
        assert_eq!(said.code, Some(2), "{args:?}: {said:?}");
        assert!(said.err.starts_with("error: "), "{said:?}");
    }
    assert!(!world.registry().exists());
}

#[test]
fn no_such_process_is_4_and_says_which_was_meant() {
    let world = World::new();
    world.ok(&["add", "--name", "database", "--", "sleep", "1"]);
    for verb in ["status", "enable", "disable", "remove", "logs"] {
        let said = world.say(&[verb, "databse"]);
        assert_eq!(said.code, Some(4), "{verb}: {said:?}");
        assert_eq!(said.err, "error: there is no process databse\n  did you mean database?\n");
    }
    assert_eq!(world.say(&["autostart", "other", "on"]).code, Some(4));
    let some = world.say(&["disable", "database", "other"]);
    assert_eq!(some.code, Some(4), "{some:?}");
    assert!(some.out.starts_with("database: disabled"), "what could be done was done: {some:?}");
}

#[test]
fn without_a_monitor_the_registry_is_changed() {
    let world = World::new();
    let state = |world: &World| world.json(&["status", "web"])["state"].as_str().unwrap().to_owned();
    world.ok(&["add", "--name", "web", "--max-attempts", "2", "--", "sleep", "100", "--odd flag"]);
    assert_eq!(state(&world), "stopped");
    assert_eq!(world.json(&["status", "web"])["args"], serde_json::json!(["100", "--odd flag"]));

    world.ok(&["disable", "web"]);
    assert_eq!(state(&world), "disabled");
    world.ok(&["enable", "all"]);
    assert_eq!(state(&world), "stopped");
    world.ok(&["autostart", "web", "off"]);
    assert_eq!(world.json(&["status", "web"])["autostart"], false);

    let taken = world.say(&["add", "--name", "web", "--", "true"]);
    assert_eq!(taken.code, Some(1));
    assert!(taken.err.starts_with("error: there already is a process web\n"), "{taken:?}");
    world.ok(&["add", "--", "/bin/sleep", "5"]);
    world.ok(&["add", "--", "/usr/bin/sleep", "6"]);

    let listed = world.say(&["ls"]);
    assert!(listed.err.starts_with("the monitor is not running; "), "{listed:?}");
    let ids: Vec<_> = listed.out.lines().skip(1).filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(ids, ["web", "sleep", "sleep-2"]);

    let removed = world.json(&["rm", "web", "sleep"]);
    assert_eq!(
        removed["results"][1],
        serde_json::json!({
            "id": "sleep", "success": true, "done": "removed", "source": "file"
        })
    );
    assert_eq!(world.json(&["list"])["processes"].as_array().unwrap().len(), 1);
}

#[test]
fn the_options_of_add_reach_the_registry_and_nothing_else_does() {
    let world = World::new();
    let file = world.path().join("env");
    fs::write(&file, "A=1\nB=from the file\n").unwrap();
    world.ok(&["add", "--name", "plain", "--", "true"]);
    world.ok(&[
        "add",
        "--name",
        "web",
        "--cwd",
        "/tmp",
        "--env-file",
        file.to_str().unwrap(),
        "-e",
        "B=2",
        "--no-autostart",
        "--restart",
        "on-failure",
        "--delay",
        "500ms",
        "--max-delay",
        "1m",
        "--jitter",
        "0.5",
        "--success-codes",
        "0,3",
        "--stop-signal",
        "int",
        "--stop-timeout",
        "2s",
        "--no-kill-tree",
        "--max-log-size",
        "1M",
        "--timestamps",
        "--",
        "true",
    ]);
    let registry: Value = serde_json::from_slice(&fs::read(world.registry()).unwrap()).unwrap();
    let plain = registry["processes"]["plain"].as_object().unwrap();
    for absent in ["restartPolicy", "stop", "logs", "environment"] {
        assert!(!plain.contains_key(absent), "{absent}");
    }
    let web = &registry["processes"]["web"];
    assert_eq!(web["environment"], serde_json::json!({ "A": "1", "B": "2" }));
    assert_eq!((&web["workingDirectory"], &web["autostart"]), (&"/tmp".into(), &false.into()));
    let policy = &web["restartPolicy"];
    assert_eq!((&policy["type"], &policy["delayMs"]), (&"on-failure".into(), &500.into()));
    assert_eq!((&policy["maxDelayMs"], &policy["jitter"]), (&60_000.into(), &0.5.into()));
    assert_eq!(policy["successExitCodes"], serde_json::json!([0, 3]));
    assert_eq!(web["stop"]["signal"], "SIGINT");
    assert_eq!((&web["stop"]["timeoutMs"], &web["stop"]["killTree"]), (&2000.into(), &false.into()));
    assert_eq!((&web["logs"]["maxFileBytes"], &web["logs"]["timestamps"]), (&(1 << 20).into(), &true.into()));

    let wrong =
        world.say(&["add", "--name", "bad", "--delay", "1s", "--jitter", "7", "--keep-runs", "0", "--", ""]);
    assert_eq!(wrong.code, Some(1));
    for path in ["command: ", "restartPolicy.jitter: ", "logs.keepRuns: "] {
        assert!(wrong.err.contains(path), "{path} in {}", wrong.err);
    }
}

#[test]
fn secrets_are_not_shown() {
    let world = World::new();
    world.ok(&["add", "--name", "web", "--env", "TOKEN=hunter2", "--", "true"]);
    assert!(fs::read_to_string(world.registry()).unwrap().contains("hunter2"));
    for args in
        [&["list"][..], &["list", "--json"], &["status", "web"], &["status", "web", "--json"], &["doctor"]]
    {
        let said = world.say(args);
        assert!(!said.out.contains("hunter2") && !said.err.contains("hunter2"), "{said:?}");
    }
    let wrong = world.say(&["add", "--env", "hunter2", "--", "true"]);
    assert_eq!(wrong.code, Some(2));
}

#[test]
fn a_registry_that_cannot_be_read_is_named_with_its_line_and_left_alone() {
    let world = World::new();
    let broken =
        "{\n  \"version\": 1,\n  \"processes\": {\n    \"web\": { \"id\": \"web\", \"name\": 7 }\n  }\n}\n";
    fs::write(world.registry(), broken).unwrap();
    for args in [&["list"][..], &["add", "--", "true"], &["remove", "web"], &["status", "web"]] {
        let said = world.say(args);
        assert_eq!(said.code, Some(1), "{args:?}: {said:?}");
        assert!(said.err.contains("processes_default.json: line 4, processes.web.name: "), "{said:?}");
    }
    let doctor = world.say(&["doctor"]);
    assert_eq!(doctor.code, Some(1));
    assert!(doctor.out.contains(" BAD  registry") && doctor.out.contains("line 4"), "{doctor:?}");
    assert_eq!(fs::read_to_string(world.registry()).unwrap(), broken);
}

#[test]
fn a_held_lock_is_waited_for_and_its_holder_named() {
    let world = World::new();
    let me = std::process::id();
    let lock = world.path().join("processes_default.lock");
    let now =
        String::from_utf8(Command::new("date").args(["-u", "+%FT%T.%3NZ"]).output().unwrap().stdout).unwrap();
    let content = serde_json::json!({
        "lockedBy": "a test", "lockedAt": now.trim(), "pid": me, "operation": "testing"
    });
    fs::write(&lock, content.to_string()).unwrap();
    let said = world.say(&["add", "--", "true"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("a test") && said.err.contains(&me.to_string()), "{said:?}");
    assert!(world.ok(&["doctor"]).contains("held by a test"));
    assert!(lock.exists() && !world.registry().exists());
}

#[test]
fn logs_of_a_directory_without_a_monitor() {
    let world = World::new();
    world.print("web", "20260124_103000", "stdout", "old 1\nold 2\n");
    world.print("web", "20260124_103001", "stdout", "1\n2\n3\n");
    world.print("web", "20260124_103001", "stderr", "oops\n");
    world.print("db", "20260124_103000", "stdout", "ready\nwaiting");
    // A run that has just begun has printed nothing.
    world.print("db", "20260124_103005", "stdout", "");

    assert_eq!(world.ok(&["logs", "web"]), "1\n2\n3\noops\n");
    assert_eq!(world.ok(&["logs", "web", "-n", "2", "--stdout"]), "2\n3\n");
    assert_eq!(world.ok(&["tail", "web", "--stderr"]), "oops\n");
    assert_eq!(world.ok(&["logs", "db", "web", "-n", "1"]), "db  | waiting\nweb | 3\nweb | oops\n");
    let line: Value = serde_json::from_str(&world.ok(&["logs", "db", "-n", "1", "--json"])).unwrap();
    assert_eq!(
        (&line["id"], &line["text"], &line["complete"]),
        (&"db".into(), &"waiting".into(), &false.into())
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let world = World::new();
    for args in
        [&["generate", "cli-reference"][..], &["list"], &["--help"], &["completions", "bash"], &["doctor"]]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = world.command(PROGRAM, args);
        command.stdout(writer).stderr(Stdio::piped());
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("error") && !said.contains("panicked"), "{args:?}: {said}");
    }
}

#[test]
fn completions_and_versions() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(world.ok(&["completions", shell]).contains("autostart"), "{shell}");
    }
    assert_eq!(world.ok(&["--version"]), format!("process_monitor {}\n", env!("CARGO_PKG_VERSION")));
    let watcher = said(world.command(WATCHER, &["--version"]));
    assert_eq!(watcher.out, format!("monitor_watcher {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn without_a_home_it_says_what_to_set() {
    let mut command = Command::new(PROGRAM);
    command.arg("list").env_clear();
    let said = said(command);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("HOME") && said.err.contains("--directory"), "{said:?}");
}

#[test]
fn run_starts_the_monitor_and_says_what_to_try() {
    let world = World::new();
    let first = world.ok(&["run", "--", "sleep", "1000"]);
    assert!(first.starts_with("sleep: running with pid "), "{first}");
    assert!(first.contains("The monitor was started in the background with pid "), "{first}");
    assert!(first.contains("logs sleep -f") && first.contains("remove sleep"), "{first}");
    let second = world.ok(&["run", "--", "sleep", "1000"]);
    assert!(second.starts_with("sleep-2: running") && !second.contains("was started in"), "{second}");
    assert!(world.ok(&[]).starts_with("The monitor is already running with pid "));

    let status = world.ok(&["--status"]);
    let lines: Vec<_> = status.lines().collect();
    assert_eq!(lines[..3], ["ProcessMonitor Status:", "  Instance: default", "  State: running"]);
    assert_eq!(lines[5..], ["  Managed Processes: 2", "  Running Processes: 2", "  Standalone Mode: false"]);

    let pid = world.json(&["--status"])["pid"].to_string();
    world.ok(&["--stop"]);
    assert!(!lives(&pid), "--stop returns when the monitor is gone");
    assert_eq!(world.say(&["--status"]).code, Some(3));
}

#[test]
fn the_watcher_is_an_instance_of_its_own() {
    let world = World::new();
    let started = said(world.command(WATCHER, &[]));
    assert_eq!(started.code, Some(0), "{started:?}");
    assert!(started.out.contains("instance watcher"), "{started:?}");
    assert_eq!(world.say(&["--status"]).code, Some(3), "the default instance does not run");
    assert_eq!(world.json(&["--status", "--instance", "watcher"])["instanceId"], "watcher");
}

#[test]
fn a_program_that_cannot_be_started_is_reported_with_its_reason() {
    let world = World::new();
    let said = world.say(&["run", "--name", "ghost", "--", "/no/such/program"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.starts_with("error: process ghost did not start: "), "{said:?}");
    assert!(said.err.contains("/no/such/program") && said.err.contains("remove ghost"), "{said:?}");
    assert!(world.ok(&["list"]).contains("/no/such/program"), "the reason is in the list");
}
