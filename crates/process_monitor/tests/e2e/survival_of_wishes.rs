//! What was wanted when the monitor was killed, and was under way, is done by the next one.

use crate::harness::{World, eventually, is_alive, kill};
use crate::processes::parent_of;
use std::fs;
use std::process::Child;

/// It ends, when asked to, only once the file `go` is there, and says when it was asked. Nothing restarts it.
fn slow_to_end(world: &World) -> u32 {
    let folder = world.path().display();
    let text = format!(
        "#!/bin/bash\nend() {{ touch {folder}/asked; while [ ! -e {folder}/go ]; do sleep 0.01; done; exit 3; }}\n\
         trap end TERM\necho $$ >> {folder}/starts\nwhile :; do sleep 0.01; done\n"
    );
    let program = world.script("slow", &text);
    world.ok(&["run", "--name", "slow", "--restart", "never", "--stop-timeout", "1h", "--", &program]);
    eventually("it listens", || world.path().join("starts").exists());
    world.pid_of("slow").unwrap()
}

fn go(world: &World) {
    fs::write(world.path().join("go"), "").unwrap();
}

fn starts(world: &World) -> usize {
    fs::read_to_string(world.path().join("starts")).unwrap_or_default().lines().count()
}

/// Waits until `pid` is the only one, but for the `sleep` that it has started just now. A second one would stay.
fn only(world: &World, pid: u32) {
    eventually("there is one", || {
        let all = world.instances("slow");
        let leads = |one: &u32| parent_of(*one).is_none_or(|parent| !all.contains(&parent));
        all.iter().copied().filter(leads).collect::<Vec<_>>() == [pid]
    });
}

/// Has `command` begin, and the monitor killed between the stop signal that it leads to and what follows.
fn cut_off(world: &World, command: &[&str]) {
    let mut waits: Child = world.command(command).spawn().unwrap();
    eventually("it was asked to end", || world.path().join("asked").exists());
    // The signal is sent first, then the registry is saved.
    eventually("what is wanted is on disk", || world.entry("slow")["pastRuns"].is_array());
    world.kill_monitor();
    assert!(!waits.wait().unwrap().success(), "nobody saw the end of it");
}

#[test]
fn a_restart_whose_run_ends_while_nobody_is_there() {
    let world = World::started();
    let old = slow_to_end(&world);
    cut_off(&world, &["restart", "slow"]);
    go(&world);
    eventually("it has ended", || !is_alive(old));
    world.start();
    world.wait_for_new_pid("slow", old);
    let status = world.status("slow");
    assert_eq!((starts(&world), &status["restartAttempts"]), (2, &0.into()), "{status}");
    assert_eq!(status["lastExit"]["reason"], "stopped", "{status}");
}

#[test]
fn a_restart_whose_run_still_ends_when_the_next_monitor_comes() {
    let world = World::started();
    let old = slow_to_end(&world);
    cut_off(&world, &["restart", "slow"]);
    world.start();
    assert!(is_alive(old) && world.pid_of("slow") == Some(old));
    go(&world);
    let new = world.wait_for_new_pid("slow", old);
    eventually("it began", || starts(&world) == 2);
    only(&world, new);
}

/// The new run is there, and the file does not know it yet: it is not restarted once more.
#[test]
fn a_restart_that_is_done_is_done_once() {
    let world = World::started();
    let old = slow_to_end(&world);
    go(&world);
    world.ok(&["restart", "slow"]);
    let new = world.wait_for_new_pid("slow", old);
    world.kill_monitor();
    world.start();
    world.wait_for_state("slow", "running");
    only(&world, new);
    assert_eq!(starts(&world), 2);
}

#[test]
fn a_removal_goes_on() {
    let world = World::started();
    let old = slow_to_end(&world);
    cut_off(&world, &["remove", "slow"]);
    world.start();
    go(&world);
    eventually("it is registered no more", || world.say(["status", "slow"]).code == Some(4));
    assert!(!is_alive(old));
    // Nobody waits for that, so it may come a moment later.
    eventually("the file says so, too", || world.document()["processes"].get("slow").is_none());
}

#[test]
fn a_disabled_one_that_is_being_stopped_stays_disabled() {
    let world = World::started();
    slow_to_end(&world);
    cut_off(&world, &["disable", "slow"]);
    go(&world);
    world.start();
    world.wait_for_state("slow", "disabled");
}

/// Its startup check failed for good, and it is being taken down.
#[test]
fn what_is_given_up_is_failed() {
    let world = World::started();
    let program = world.script("stubborn", "#!/bin/bash\ntrap '' TERM\nwhile :; do sleep 0.01; done\n");
    let options = ["--ready-notify", "--ready-timeout", "1s", "--ready-fail", "fail", "--stop-timeout", "1h"];
    let words = [&["run", "--name", "stubborn"], &options[..], &["--", &program]].concat();
    let mut waits = world.command(words).spawn().unwrap();
    eventually("the file says so", || {
        world.registry().exists() && world.entry("stubborn")["state"] == "failed"
    });
    assert_eq!(world.state_of("stubborn"), "stopping");
    let pid = world.pid_of("stubborn").unwrap();
    world.kill_monitor();
    assert!(!waits.wait().unwrap().success());
    kill(pid);
    world.start();
    world.wait_for_state("stubborn", "failed");
}
