//! `kill -9` of the monitor, anywhere: nothing is lost, nothing is there twice.

use crate::harness::{World, eventually, is_alive, kill};
use std::fs;

/// A program that can be counted, and that does not end.
fn sleeper(world: &World, name: &str) -> String {
    world.script(name, "#!/bin/sh\nexec sleep 100000\n")
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
