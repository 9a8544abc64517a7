//! What happens while no monitor is there, and what the next one makes of it.

use crate::harness::{PROGRAM, World, eventually, is_alive, kill};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

/// A script that ends with code `$1` once the file `go` is there, and the second time stays.
fn waits(world: &World) -> String {
    let folder = world.path().display();
    world.script(
        "waits",
        &format!(
            "#!/bin/bash\necho $$ >> {folder}/starts-$TOM_PM_PROCESS_ID\n\
             [ $(wc -l < {folder}/starts-$TOM_PM_PROCESS_ID) -gt 1 ] && exec sleep 100000\n\
             while [ ! -e {folder}/go ]; do sleep 0.01; done\nsleep ${{2:-0}}\nexit $1\n"
        ),
    )
}

fn starts(world: &World, id: &str) -> usize {
    fs::read_to_string(world.path().join(format!("starts-{id}"))).unwrap_or_default().lines().count()
}

fn go(world: &World) {
    fs::write(world.path().join("go"), "").unwrap();
}

/// How many exits the logger has noted that no monitor has dealt with.
fn notes(world: &World) -> usize {
    let files = fs::read_dir(world.state().join("exits")).unwrap().flatten();
    files.filter(|file| file.path().extension().is_some_and(|extension| extension == "json")).count()
}

fn is_gone(pid: u32) -> bool {
    !Path::new(&format!("/proc/{pid}")).exists()
}

/// A monitor whose processes, when it dies, fall to somebody who reaps them at once, or never.
fn fostered(reaps: bool) -> World {
    let world = World::new();
    let reap = if reaps { "signal.signal(signal.SIGCHLD, signal.SIG_IGN)" } else { "" };
    let text = format!(
        "import ctypes, signal, subprocess, sys\nctypes.CDLL(None).prctl(36, 1, 0, 0, 0)\n\
         subprocess.run(sys.argv[1:], check=True)\n{reap}\nopen('fostered', 'w')\nsignal.pause()\n"
    );
    fs::write(world.path().join("foster.py"), text).unwrap();
    let mut foster = Command::new("python3");
    foster
        .args(["foster.py", PROGRAM])
        .env("TOM_PM_API_PORT", "0")
        .env("TOM_PM_ALIVENESS_PORT", "0")
        .env("TOM_PM_DIRECTORY", world.path())
        .current_dir(world.path());
    let mut foster = foster.stdout(Stdio::null()).spawn().unwrap();
    // It ends with the world.
    thread::spawn(move || foster.wait());
    eventually("the monitor is there", || world.path().join("fostered").exists());
    world
}

#[test]
fn an_exit_is_known_with_its_code_and_the_policy_applies() {
    let world = fostered(true);
    let program = waits(&world);
    world.ok(&["run", "--name", "never", "--restart", "never", "--", &program, "7"]);
    world.ok(&["run", "--name", "zero", "--restart", "on-failure", "--", &program, "0"]);
    world.ok(&["run", "--name", "always", "--backoff", "0s", "--", &program, "7"]);
    world.ok(&["run", "--name", "later", "--backoff", "1h", "--", &program, "7"]);
    let ids = ["never", "zero", "always", "later"];
    let pids = ids.map(|id| world.pid_of(id).unwrap());
    eventually("all wait", || ids.iter().all(|id| starts(&world, id) == 1));
    pids.iter().for_each(|pid| world.await_logger_of(*pid));
    world.kill_monitor();
    go(&world);
    eventually("nothing is left of them, not even a zombie", || pids.into_iter().all(is_gone));
    eventually("the logger has noted it", || notes(&world) == 4);
    world.start();
    for (id, state, code, attempts) in [
        ("never", "failed", 7, 0),
        ("zero", "stopped", 0, 0),
        ("always", "running", 7, 1),
        ("later", "crashed", 7, 1),
    ] {
        world.wait_for_state(id, state);
        let status = world.status(id);
        assert_eq!(status["lastExit"]["code"], code, "{id}: {status}");
        assert_eq!(status["restartAttempts"], attempts, "{id}: {status}");
        let runs = usize::from(state == "running");
        // Its shell starts others for a moment; a second run would stay.
        eventually(&format!("{id} runs {runs} times"), || world.instances(id).len() == runs);
    }
    eventually("one was started again", || starts(&world, "always") == 2);
    assert_eq!(["never", "zero", "later"].map(|id| starts(&world, id)), [1; 3]);
    eventually("notes are of no more use", || notes(&world) == 0);
}

#[test]
fn an_exit_is_known_although_the_first_monitor_that_heard_of_it_died() {
    let world = fostered(true);
    let program = waits(&world);
    world.ok(&["run", "--name", "seven", "--restart", "never", "--", &program, "7"]);
    world.ok(&["run", "--name", "zero", "--restart", "on-failure", "--", &program, "0"]);
    let pids = ["seven", "zero"].map(|id| world.pid_of(id).unwrap());
    eventually("both wait", || ["seven", "zero"].iter().all(|id| starts(&world, id) == 1));
    pids.iter().for_each(|pid| world.await_logger_of(*pid));
    world.kill_monitor();
    go(&world);
    eventually("nothing is left of them", || pids.into_iter().all(is_gone));
    eventually("the logger has noted it", || notes(&world) == 2);
    // At its first file, which says that it is there, and at its second, the registry.
    for point in ["write::before_rename=1*return", "write::before_rename=1*off->1*return"] {
        assert_eq!(world.start_with_failpoint(point).code, Some(1), "{point}");
    }
    world.start();
    for (id, state, code) in [("seven", "failed", 7), ("zero", "stopped", 0)] {
        world.wait_for_state(id, state);
        assert_eq!(world.status(id)["lastExit"]["code"], code, "{id}: {}", world.status(id));
        assert_eq!(starts(&world, id), 1, "{id}");
    }
}

#[test]
fn an_exit_that_nobody_saw_is_an_exit_all_the_same() {
    let world = World::started();
    let program = waits(&world);
    world.ok(&["run", "--name", "web", "--backoff", "0s", "--", &program, "7"]);
    let pid = world.pid_of("web").unwrap();
    eventually("it waits", || starts(&world, "web") == 1);
    eventually("a logger is there", || world.logger_pid().is_some());
    world.kill_monitor();
    world.logger_pid().into_iter().for_each(kill);
    eventually("no logger is there", || world.logger_pid().is_none());
    go(&world);
    eventually("it has ended", || !is_alive(pid));
    world.start();
    world.wait_for_new_pid("web", pid);
    let status = world.status("web");
    let exit = &status["lastExit"];
    // Known as long as its zombie is there; else not, and then no code is made up.
    assert!(exit["code"] == 7 || (exit["code"].is_null() && exit["reason"] == "unknown"), "{status}");
    assert_eq!(status["restartAttempts"], 1);
    // Its shell starts others for a moment; a second run would stay.
    eventually("there is one", || world.instances("web").len() == 1);
}

#[test]
fn a_zombie_is_dead() {
    let world = fostered(false);
    world.ok(&["run", "--name", "web", "--backoff", "0s", "--", "sleep", "100000"]);
    let pid = world.pid_of("web").unwrap();
    world.kill_monitor();
    world.logger_pid().into_iter().for_each(kill);
    eventually("no logger is there", || world.logger_pid().is_none());
    kill(pid);
    let zombie = || fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default().contains(") Z ");
    eventually("it is a zombie", zombie);
    world.start();
    world.wait_for_new_pid("web", pid);
    assert!(zombie(), "nobody reaps it");
    assert_eq!(world.status("web")["lastExit"]["signal"], "SIGKILL");
    world.ok(&["stop", "web"]);
}

#[test]
fn after_a_reboot_autostart_decides_and_no_pid_means_anything() {
    let world = World::started();
    world.ok(&["run", "--name", "auto", "--", "sleep", "100000"]);
    world.ok(&["run", "--name", "manual", "--no-autostart", "--", "sleep", "100000"]);
    let old = ["auto", "manual"].map(|id| world.pid_of(id).unwrap());
    eventually("the file says so", || {
        ["auto", "manual"].iter().all(|id| world.entry(id)["state"] == "running")
    });
    world.kill_monitor();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let forge = |path: &Path| {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains(boot.trim()), "{}: {text}", path.display());
        fs::write(path, text.replace(boot.trim(), "11111111-2222-3333-4444-555555555555")).unwrap();
    };
    let state = world.state();
    for name in ["runs/auto.run", "runs/manual.run", "supervising.json", "monitor.json"] {
        forge(&state.join(name));
    }
    world.start();
    world.wait_for_new_pid("auto", old[0]);
    assert_eq!((world.state_of("manual").as_str(), world.pid_of("manual")), ("stopped", None));
    assert_eq!(world.status("auto")["restartAttempts"], 0);
    world.ok(&["stop", "all"]);
    assert!(old.into_iter().all(is_alive), "what has a number of another boot was signalled");
}

#[test]
fn exits_during_a_restart_of_the_monitor_are_known() {
    let world = World::started();
    let program = waits(&world);
    let ids: Vec<_> = (0..10).map(|n| format!("p{n}")).collect();
    for (n, id) in ids.iter().enumerate() {
        // They end one after the other, some of them while the one monitor has gone and the next is not there.
        let delay = format!("0.{n:02}");
        world.ok(&["run", "--name", id, "--restart", "never", "--", &program, "7", &delay]);
    }
    eventually("all wait", || ids.iter().all(|id| starts(&world, id) == 1));
    let monitor = world.monitor_pid();
    go(&world);
    world.ok(&["--restart"]);
    assert_eq!(world.monitor_pid(), monitor);
    for id in &ids {
        world.wait_for_state(id, "failed");
        let status = world.status(id);
        assert_eq!(status["lastExit"]["code"], 7, "{id}: {status}");
    }
    eventually("none is left as a zombie", || {
        let children = |pid| fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        monitor.is_some_and(|pid| children(pid).split_whitespace().all(|pid| pid.parse().is_ok_and(is_alive)))
    });
}
