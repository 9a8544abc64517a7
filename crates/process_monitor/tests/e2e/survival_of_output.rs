//! Output of which no logger knows yet, when its monitor leaves.

use crate::harness::{World, eventually, kill, signal};
use std::time::{Duration, Instant};

/// A program that prints a line and ends the first time, and stays the second time.
fn brief(world: &World) -> String {
    let folder = world.path().display();
    let text = format!(
        "#!/bin/bash\n[ -e {folder}/again ] && exec sleep 100000\ntouch {folder}/again\necho the only line\nexit 1\n"
    );
    world.script("brief", &text)
}

/// Has a run begin and end, and be followed by another, while the logger hangs; its pid.
fn run_behind_a_logger_that_hangs(world: &World) -> u32 {
    world.ok(&["run", "--name", "steady", "--", "sleep", "100000"]);
    eventually("a logger is there", || world.logger_pid().is_some());
    let logger = world.loggers()[0];
    signal(logger, "STOP");
    world.ok(&["run", "--name", "brief", "--backoff", "0s", "--", &brief(world)]);
    eventually("it has ended, and was started again", || {
        world.path().join("again").exists() && world.status("brief")["restartAttempts"] == 1
    });
    world.wait_for_state("brief", "running");
    logger
}

fn is_kept(world: &World) -> bool {
    world.output("brief", "stdout") == b"the only line\n"
}

#[test]
fn a_monitor_that_follows_itself_waits_for_the_logger() {
    let world = World::started();
    let logger = run_behind_a_logger_that_hangs(&world);
    let mut restart = world.command(["--restart"]).spawn().unwrap();
    eventually("the restart begins", || world.monitor_log().contains("the rehearsal went well"));
    // In this time the monitor would have gone, and with it the only one who has that output open.
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until && restart.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(10));
    }
    signal(logger, "CONT");
    assert!(restart.wait().unwrap().success());
    eventually("the line is kept", || is_kept(&world));
}

/// The partner holds the output, and whoever comes next finds what it is.
#[test]
fn a_run_that_no_logger_knew_is_known_after_the_death_of_its_monitor() {
    let world = World::new();
    world.start();
    world.begin("watcher");
    world.await_pair();
    let logger = run_behind_a_logger_that_hangs(&world);
    let partner = world.pid_of_monitor("watcher").unwrap();
    eventually("the partner holds it", || world.are_held_by([partner].into_iter()));
    kill(logger);
    kill(world.pid_of_monitor("default").unwrap());
    eventually("the line is kept", || is_kept(&world));
}
