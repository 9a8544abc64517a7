//! A change of images that goes wrong after the rehearsal, when there is no way back: nothing is lost.

use crate::harness::{World, eventually, is_alive, kill};
use crate::http::Connection;
use crate::programs::write_program;
use std::fs;
use std::process::Stdio;

/// Neither the program that is to follow nor the one that runs can be executed.
const NO_EXEC: &str = "handover::exec=1*return";

fn restart(world: &World) {
    assert_eq!(Connection::to(world).ask("POST", "/monitor/restart", None).status, 200);
}

#[test]
fn an_exec_that_fails_ends_with_75_and_stops_nothing() {
    let world = World::new();
    world.ok(&["add", "--name", "web", "--", "sleep", "100000"]);
    let mut command = world.command(["--foreground"]);
    command.env("FAILPOINTS", NO_EXEC).stdout(Stdio::null()).stderr(Stdio::piped());
    let monitor = command.spawn().unwrap();
    eventually("it serves", || world.say(["list"]).code == Some(0) && world.pid_of("web").is_some());
    let web = world.pid_of("web").unwrap();
    restart(&world);
    let ended = monitor.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(75));
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(told.contains("error: cannot execute") && told.contains("start it again with"), "{told}");
    world.log_that_says("[ERROR] cannot execute");
    assert!(is_alive(web));
    world.start();
    assert_eq!((world.pid_of("web"), world.status("web")["restartAttempts"].as_u64()), (Some(web), Some(0)));
    kill(web);
    world.wait_for_new_pid("web", web);
}

#[test]
fn the_partner_is_asked_for_a_fresh_one() {
    let world = World::new();
    world.start_with_failpoint(NO_EXEC);
    world.begin("watcher");
    world.await_pair();
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    let (old, web) = (world.pid_of_monitor("default").unwrap(), world.pid_of("web"));
    restart(&world);
    world.await_new_monitor("default", old);
    world.await_pair();
    let causes = world.causes("watcher");
    assert!(causes.len() == 1 && causes[0].contains("asked to be restarted"), "{causes:?}");
    assert_eq!((world.pid_of("web"), world.instances("web").len()), (web, 1));
}

/// Ready, and gone before it is executed.
const VANISHES: &str = "#!/bin/sh\nrm \"$0\"\necho '{\"ready\":{\"version\":\"99.0.0\"}}'\n";

#[test]
fn a_program_that_vanishes_after_its_rehearsal_leaves_the_old_one() {
    let world = World::with_own_program();
    world.start();
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    let status = || Connection::to(&world).ask("GET", "/monitor/status", None).body;
    let (monitor, web, began) = (world.monitor_pid(), world.pid_of("web"), status()["startedAt"].clone());
    let new = world.program().with_extension("new");
    write_program(&new, VANISHES.as_bytes(), 0o755);
    fs::rename(&new, world.program()).unwrap();
    restart(&world);
    eventually("it goes on", || status()["startedAt"] != began);
    world.put_program();
    assert_eq!((world.monitor_pid(), world.pid_of("web")), (monitor, web));
    assert_eq!(status()["version"], env!("CARGO_PKG_VERSION"));
    // And it can be followed by one that is there again.
    world.ok(&["--restart"]);
    assert_eq!((world.monitor_pid(), world.pid_of("web")), (monitor, web));
}
