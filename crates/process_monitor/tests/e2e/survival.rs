//! `kill -9` of the monitor, anywhere: nothing is lost, nothing is there twice.

use crate::harness::{World, eventually, is_alive, kill};
use std::fs;

/// A program that can be counted, and that does not end.
fn sleeper(world: &World, name: &str) -> String {
    world.script(name, "#!/bin/sh\nexec sleep 100000\n")
}

/// How many processes of the script `name` run. The script's own name is gone after its exec, so
/// they are counted by the id that the monitor gives them.
fn instances(world: &World, id: &str) -> Vec<u32> {
    let marker = format!("TOM_PM_PROCESS_ID={id}");
    let has_marker = |pid: &u32| {
        let text = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        text.split(|byte| *byte == 0).any(|entry| entry == marker.as_bytes())
    };
    world.processes().into_iter().filter(has_marker).collect()
}

/// Kills the monitor at `point` while it starts or restarts a program, and looks at what the next one makes of it.
fn killed_at(point: &str) {
    let world = World::started();
    let program = sleeper(&world, "program");
    world.ok(&["run", "--name", "steady", "--backoff", "0s", "--max-attempts", "1000", "--", &program]);
    let steady = world.pid_of("steady").unwrap();
    world.kill_monitor();

    // The next monitor dies at the point: at once, or by a new program, or by a change of the registry.
    let started = world.start_with_failpoint(&format!("{point}=1*return"));
    if started.code == Some(0) {
        let monitor = world.monitor_pid();
        let _dies = world.say(["add", "--name", "new", "--backoff", "0s", "--", program.as_str()]);
        let _dies = world.say(["start", "new"]);
        eventually(&format!("{point} is reached"), || monitor.is_none_or(|pid| !is_alive(pid)));
    }
    world.start();
    world.wait_for_state("steady", "running");
    assert_eq!(world.pid_of("steady"), Some(steady), "{point}: what ran, ran on");
    assert_eq!(instances(&world, "steady"), [steady], "{point}");
    // Whether the new program was registered depends on the point; that it runs at most once does not.
    if world.say(["status", "new"]).code == Some(0) {
        if !matches!(world.state_of("new").as_str(), "running" | "starting") {
            world.ok(&["start", "new"]);
        }
        world.wait_for_state("new", "running");
        assert_eq!(instances(&world, "new"), [world.pid_of("new").unwrap()], "{point}");
    } else {
        assert_eq!(instances(&world, "new"), [0_u32; 0], "{point}: what is not registered does not run");
    }
    let text = fs::read_to_string(world.registry()).unwrap();
    serde_json::from_str::<serde_json::Value>(&text).unwrap();
}

#[test]
fn killed_before_the_record_is_in_place() {
    killed_at("record::before_rename");
}

#[test]
fn killed_after_the_record_is_in_place() {
    killed_at("record::after_rename");
}

#[test]
fn killed_between_record_and_spawn() {
    killed_at("start::recorded");
}

#[test]
fn killed_before_the_clone() {
    killed_at("spawn::before_clone");
}

#[test]
fn killed_after_the_clone() {
    killed_at("spawn::after_clone");
}

#[test]
fn killed_after_the_spawn_before_anybody_heard_of_it() {
    killed_at("start::spawned");
}

#[test]
fn killed_before_the_registry_is_replaced() {
    killed_at("write::before_rename");
}

#[test]
fn killed_after_the_registry_was_replaced() {
    killed_at("write::after_rename");
}

#[test]
fn killed_at_random_with_steady_and_crashing_programs() {
    let world = World::started();
    let program = sleeper(&world, "program");
    let crasher = world.script("crasher", "#!/bin/sh\nsleep 0.02\nexit 3\n");
    for n in 0..8 {
        world.ok(&["run", "--name", &format!("steady-{n}"), "--", &program]);
    }
    for n in 0..4 {
        let id = format!("crasher-{n}");
        world.ok(&["run", "--name", &id, "--backoff", "0s", "--max-attempts", "1000000", "--", &crasher]);
    }
    let steady: Vec<_> = (0..8).map(|n| world.pid_of(&format!("steady-{n}")).unwrap()).collect();
    for round in 0..20_u64 {
        // Somewhere in the life of the crashers, another place each round.
        std::thread::sleep(std::time::Duration::from_millis(round * 7 % 40));
        world.kill_monitor();
        for n in 0..4 {
            // A shell and its sleep: one run, never two.
            let shells = instances(&world, &format!("crasher-{n}"));
            assert!(shells.len() <= 2, "round {round}: {shells:?}");
        }
        world.start();
    }
    for (n, pid) in steady.iter().enumerate() {
        let id = format!("steady-{n}");
        assert_eq!(world.pid_of(&id), Some(*pid));
        assert_eq!(instances(&world, &id), [*pid]);
        assert_eq!(world.status(&id)["restartAttempts"], 0);
    }
    for n in 0..4 {
        let state = world.state_of(&format!("crasher-{n}"));
        assert!(["running", "starting", "crashed"].contains(&state.as_str()), "{state}");
    }
}

#[test]
fn an_exit_while_no_monitor_is_there_is_known_with_its_code() {
    let world = World::started();
    let go = world.path().join("go");
    let wait = format!("#!/bin/sh\nwhile [ ! -e {} ]; do sleep 0.01; done\nexit $1\n", go.display());
    let program = world.script("waits", &wait);
    world.ok(&["run", "--name", "seven", "--restart", "never", "--", &program, "7"]);
    world.ok(&["run", "--name", "zero", "--restart", "on-failure", "--", &program, "0"]);
    let pids = [world.pid_of("seven").unwrap(), world.pid_of("zero").unwrap()];
    eventually("the logger watches both", || world.logger_pid().is_some());
    world.kill_monitor();
    fs::write(&go, "").unwrap();
    eventually("both have ended", || pids.iter().all(|pid| !is_alive(*pid)));
    world.start();
    world.wait_for_state("seven", "failed");
    world.wait_for_state("zero", "stopped");
    assert_eq!(world.status("seven")["lastExit"]["code"], 7);
    assert_eq!(world.status("zero")["lastExit"]["code"], 0);
}

#[test]
fn a_stop_that_was_cut_off_is_finished() {
    let world = World::started();
    let stubborn = world.script("stubborn", "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 0.05; done\n");
    world.ok(&["run", "--name", "web", "--stop-timeout", "1s", "--", &stubborn]);
    let pid = world.pid_of("web").unwrap();
    let mut stopping = world.command(["stop", "web"]).spawn().unwrap();
    world.wait_for_state("web", "stopping");
    world.kill_monitor();
    assert!(!stopping.wait().unwrap().success());
    assert!(is_alive(pid));
    world.start();
    world.wait_for_state("web", "stopped");
    assert!(!is_alive(pid));
}

#[test]
fn the_count_of_restarts_survives() {
    let world = World::started();
    let program = sleeper(&world, "program");
    world.ok(&["run", "--name", "web", "--backoff", "0s", "--", &program]);
    let mut pid = world.pid_of("web").unwrap();
    for expected in 1..=3 {
        kill(pid);
        pid = world.wait_for_new_pid("web", pid);
        world.kill_monitor();
        world.start();
        assert_eq!(world.status("web")["restartAttempts"], expected);
        assert_eq!(world.pid_of("web"), Some(pid));
    }
}

#[test]
fn a_pid_that_is_somebody_elses_now_is_never_signalled() {
    let world = World::started();
    let program = sleeper(&world, "program");
    world.ok(&["run", "--name", "web", "--", &program]);
    let pid = world.pid_of("web").unwrap();
    world.kill_monitor();
    kill(pid);
    let mut foreign = std::process::Command::new("sleep").arg("100000").spawn().unwrap();
    // As if the foreign process had got the recorded number: same pid in the record, its own start time.
    let record = world.state().join("runs/web.run");
    let text = fs::read_to_string(&record).unwrap();
    let forged = text.replacen(&format!("\n{pid} ("), &format!("\n{} (", foreign.id()), 1);
    assert_ne!(text, forged);
    fs::write(&record, forged).unwrap();
    let note = world.state().join("exits");
    fs::read_dir(note).unwrap().flatten().for_each(|note| fs::remove_file(note.path()).unwrap());
    world.start();
    world.wait_for_state("web", "running");
    assert!(is_alive(foreign.id()));
    assert_ne!(world.pid_of("web"), Some(foreign.id()));
    world.ok(&["stop", "web"]);
    assert!(foreign.try_wait().unwrap().is_none(), "the foreign process was signalled");
    foreign.kill().unwrap();
    foreign.wait().unwrap();
}

#[test]
fn a_second_monitor_says_who_holds_the_directory() {
    let world = World::started();
    let holder = world.monitor_pid().unwrap();
    let second = world.say(["--foreground"]);
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains(&holder.to_string()), "{}", second.stderr);
    assert_eq!(world.monitor_pid(), Some(holder));
}

#[test]
fn a_killed_logger_is_replaced() {
    let world = World::started();
    let program = world.script("counts", "#!/bin/bash\ni=0\nwhile :; do echo $((i++)); sleep 0.01; done\n");
    world.ok(&["run", "--name", "counts", "--", &program]);
    let mut logger = None;
    eventually("a logger is there", || {
        logger = world.logger_pid();
        logger.is_some()
    });
    kill(logger.unwrap());
    eventually("another logger is there", || world.logger_pid().is_some_and(|pid| Some(pid) != logger));
    let seen = world.output("counts", "stdout").len();
    eventually("output goes on", || world.output("counts", "stdout").len() > seen);
    world.ok(&["stop", "counts"]);
    let numbers =
        |text: Vec<u8>| String::from_utf8(text).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    let lines = numbers(world.output("counts", "stdout"));
    let expected: Vec<_> = (0..lines.len()).map(|n| n.to_string()).collect();
    assert_eq!(lines, expected);
}
