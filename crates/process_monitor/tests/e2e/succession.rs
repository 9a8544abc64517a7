//! A monitor that replaces itself: nobody notices, whatever happens meanwhile.

use crate::harness::{World, eventually, is_alive, kill, said, signal};
use crate::http::Connection;
use serde_json::Value;
use std::fs;
use std::io::BufRead;
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

/// The new image waits this long before it does anything, so that something can happen meanwhile.
const SLOW_SUCCESSOR: &str = "succession::followed=1*sleep(4000)";

/// A program that ends with 42 when it is told to.
const OBEDIENT: &str =
    "#!/bin/bash\ntrap 'exit 42' USR1\necho ready\nwhile :; do sleep 100 & wait $!; kill $!; done\n";

/// When the present image began.
fn began(world: &World) -> Value {
    Connection::to(world).ask("GET", "/monitor/status", None).body["startedAt"].take()
}

fn inode(world: &World, name: &str) -> u64 {
    fs::metadata(world.state().join(name)).unwrap().ino()
}

#[test]
fn the_process_the_socket_and_the_port_stay() {
    let world = World::started();
    world.ok(&["run", "--name", "web", "--backoff", "0s", "--", "sleep", "100000"]);
    let before = (world.monitor_pid(), world.pid_of("web"), inode(&world, "control.sock"), ports(&world));
    for _ in 0..2 {
        let old = began(&world);
        world.ok(&["--restart"]);
        assert_ne!(began(&world), old);
        let now = (world.monitor_pid(), world.pid_of("web"), inode(&world, "control.sock"), ports(&world));
        assert_eq!(now, before);
    }
    // It is still our child, and only it.
    kill(before.1.unwrap());
    world.wait_for_new_pid("web", before.1.unwrap());
    assert_eq!(world.status("web")["lastExit"]["signal"], "SIGKILL");
    world.ok(&["--stop"]);
    eventually("nothing runs", || world.processes().is_empty());
    assert!(!world.state().join("control.sock").exists());
    assert!(!world.state().join("monitor.json").exists());
}

/// The ports of the aliveness server and the API, which the system chose.
fn ports(world: &World) -> [Option<u64>; 2] {
    let status = || Connection::to(world).ask("GET", "/monitor/status", None).body;
    let ports = || ["alivenessPort", "apiPort"].map(|name| status()[name].as_u64());
    eventually("both listen", || ports().iter().all(Option::is_some));
    ports()
}

#[test]
fn a_program_that_ends_during_the_switch_is_reported_with_its_exit_code() {
    let world = World::new();
    world.start_with_failpoint(SLOW_SUCCESSOR);
    let program = world.script("obedient", OBEDIENT);
    world.ok(&["run", "--name", "web", "--backoff", "0s", "--", &program]);
    world.ok(&["run", "--name", "never", "--restart", "never", "--", &program]);
    eventually("they have set their traps", || {
        ["web", "never"].iter().all(|id| !world.output(id, "stdout").is_empty())
    });
    let (web, never) = (world.pid_of("web").unwrap(), world.pid_of("never").unwrap());
    let restart = world.command(["--restart"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("the new one has been executed", || starts_slowly(&world));
    [web, never].iter().for_each(|pid| signal(*pid, "USR1"));
    eventually("they end", || !is_alive(web) && !is_alive(never));
    // Nobody is refused meanwhile.
    assert_eq!(Connection::to(&world).ask("GET", "/monitor/status", None).status, 200);
    assert_eq!(said(restart.wait_with_output().unwrap()).code, Some(0));
    for id in ["web", "never"] {
        eventually("its exit is known", || world.status(id)["lastExit"]["code"] == 42);
    }
    assert_eq!(world.status("web")["restartAttempts"], 1);
    world.wait_for_state("never", "failed");
}

/// The old image has closed everything but what it hands over: the control socket is one of the lowest descriptors.
fn starts_slowly(world: &World) -> bool {
    let Some(pid) = world.monitor_pid() else { return false };
    let threads = fs::read_dir(format!("/proc/{pid}/task")).map(|threads| threads.count());
    threads.is_ok_and(|threads| threads == 1)
}

#[test]
fn a_successor_that_dies_at_once_loses_nothing() {
    let world = World::new();
    world.start_with_failpoint("succession::followed=1*return");
    world.ok(&["run", "--name", "web", "--backoff", "0s", "--", "sleep", "100000"]);
    let (monitor, web) = (world.monitor_pid().unwrap(), world.pid_of("web").unwrap());
    let restart = world.say(["--restart"]);
    assert_ne!(restart.code, Some(0), "{restart:?}");
    eventually("it is dead", || !is_alive(monitor));
    assert!(is_alive(web));
    world.start();
    assert_eq!((world.pid_of("web"), world.status("web")["restartAttempts"].as_u64()), (Some(web), Some(0)));
}

#[test]
fn a_stop_that_comes_during_the_switch_is_obeyed() {
    let world = World::new();
    world.start_with_failpoint(SLOW_SUCCESSOR);
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    let monitor = world.monitor_pid().unwrap();
    let restart = world.command(["--restart"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("the new one has been executed", || starts_slowly(&world));
    signal(monitor, "TERM");
    restart.wait_with_output().unwrap();
    eventually("everything is stopped", || world.processes().is_empty());
    assert!(!world.state().join("supervising.json").exists(), "it was a clean end");
}

#[test]
fn what_a_request_waits_for_is_done_first() {
    let world = World::started();
    let slow = world.script(
        "slow",
        "#!/bin/bash\ntrap 'sleep 1.2; exit' TERM\necho ready\nwhile :; do sleep 0.05; done\n",
    );
    world.ok(&["run", "--name", "web", "--", &slow]);
    eventually("it has set its trap", || !world.output("web", "stdout").is_empty());
    let stop = world.command(["stop", "web"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let state = || Connection::to(&world).ask("GET", "/processes/web", None).body["state"].take();
    eventually("it is stopping", || state() == "stopping");
    world.ok(&["--restart"]);
    assert_eq!(said(stop.wait_with_output().unwrap()).code, Some(0));
    assert_eq!(world.state_of("web"), "stopped");
}

/// A program that takes longer to stop than the old image waits for its last requests.
const STUBBORN: &str = "#!/bin/bash\ntrap 'sleep 8; exit' TERM\necho ready\nwhile :; do sleep 0.05; done\n";

#[test]
fn who_waits_longer_than_the_switch_takes_is_told_to_ask_again_and_the_command_line_does() {
    let world = World::started();
    let slow = world.script("slow", STUBBORN);
    world.ok(&["run", "--name", "web", "--", &slow]);
    eventually("it has set its trap", || !world.output("web", "stdout").is_empty());
    let stop = world.command(["stop", "web"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    world.wait_for_state("web", "stopping");
    let mut other = Connection::to(&world);
    other.send(b"POST /processes/web/stop HTTP/1.1\r\nHost: localhost\r\n\r\n");
    world.ok(&["--restart"]);
    let answer = other.answer();
    assert_eq!((answer.status, answer.body["code"].as_str()), (503, Some("restarting")), "{:?}", answer.body);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(said(stop.wait_with_output().unwrap()).code, Some(0));
    assert_eq!(world.state_of("web"), "stopped");
}

#[test]
fn the_signal_file_asks_for_it_and_an_old_one_does_not() {
    let world = World::new();
    let file = world.path().join("restart_default.signal");
    fs::write(&file, "").unwrap();
    world.start();
    eventually("the old one is removed", || !file.exists());
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    let web = world.pid_of("web");
    for _ in 0..2 {
        let old = began(&world);
        fs::write(&file, "restart, please").unwrap();
        eventually("it is restarted", || !file.exists() && began(&world) != old);
        assert_eq!(world.pid_of("web"), web);
    }
}

#[test]
fn what_was_known_of_health_stays_known() {
    let world = World::started();
    let words = ["--health-exec", "false", "--health-interval", "200ms", "--health-failures", "1000"];
    world.ok(&[&["run", "--name", "web"][..], &words, &["--", "sleep", "100000"]].concat());
    let failed = |status: &Value| status["health"]["consecutiveFailures"].as_u64().unwrap_or(0);
    eventually("checks fail", || failed(&world.status("web")) >= 3);
    world.ok(&["--restart"]);
    let status = world.status("web");
    assert!(failed(&status) >= 3, "{status}");
    assert_eq!(status["healthy"], false);
}

/// One that another thread takes while this image leaves would be lost with it.
#[test]
fn one_thread_alone_takes_signals() {
    const TERM: u64 = 1 << 14;
    let world = World::started();
    world.ok(&["run", "--name", "web", "--", "sh", "-c", "echo said; exec sleep 100000"]);
    eventually("it has printed", || world.output("web", "stdout") == b"said\n");
    world.ok(&["--restart"]);
    // What it starts threads for.
    let mut followed = Connection::to(&world);
    followed.send(b"GET /processes/web/logs?follow=true HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut status = String::new();
    followed.0.read_line(&mut status).unwrap();
    assert!(status.contains("200"), "{status}");
    assert_eq!(Connection::to(&world).ask("GET", "/processes/web/logs", None).status, 200);
    let tasks = fs::read_dir(format!("/proc/{}/task", world.monitor_pid().unwrap())).unwrap();
    let masks = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("status")).unwrap());
    let blocked =
        |status: &str| status.lines().find_map(|line| line.strip_prefix("SigBlk:\t").map(str::to_owned));
    let masks: Vec<u64> =
        masks.map(|status| u64::from_str_radix(&blocked(&status).unwrap(), 16).unwrap()).collect();
    assert_eq!(masks.iter().filter(|mask| *mask & TERM == 0).count(), 1, "{masks:x?}");
}
