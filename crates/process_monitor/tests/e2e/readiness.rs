//! When a start counts as done: by a check, a line, or the program's own word.

use crate::harness::{World, eventually, free_port, kill};
use serde_json::Value;
use std::fs;
use std::time::Instant;

/// A shell program that waits for the file `go`, says `$1` in its own way, and stays.
fn waits(world: &World, says: &str) -> String {
    let go = world.path().join("go").display().to_string();
    world.script(
        "waits",
        &format!("#!/bin/bash\nwhile [ ! -e {go} ]; do sleep 0.02; done\n{says}\nexec sleep 100000\n"),
    )
}

fn go(world: &World) {
    fs::write(world.path().join("go"), "").unwrap();
}

/// Says so by sd_notify from a child that ends at once.
const NOTIFIES: &str = r#"python3 - <<X
import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"]); s.send(b"STATUS=up and well\nREADY=1")
X"#;

/// Begins a start that waits, and sees that it does.
fn starting(world: &World, options: &[&str], says: &str) -> std::process::Child {
    let program = waits(world, says);
    let words = [&["run", "--name", "web"][..], options, &["--", &program]].concat();
    let child = world.command(words).stdout(std::process::Stdio::null()).spawn().unwrap();
    eventually("it is there", || {
        world.say(["status", "web"]).code == Some(0) && world.pid_of("web").is_some()
    });
    assert_eq!(world.state_of("web"), "starting");
    child
}

#[test]
fn a_line_that_it_prints() {
    for options in
        [&["--ready-log", "^listening on \\d+$"][..], &["--ready-log", "^listening", "--timestamps"]]
    {
        let world = World::started();
        // A line that matches only in part, and one that is longer than what is read at once.
        let says =
            "echo not listening on 5; head -c 200000 /dev/zero | tr '\\0' 'x'; echo; echo listening on 5";
        let mut run = starting(&world, options, says);
        go(&world);
        assert!(run.wait().unwrap().success());
        assert_eq!(world.state_of("web"), "running");
    }
}

#[test]
fn its_own_word_also_from_a_short_lived_child() {
    let world = World::started();
    let mut run = starting(&world, &["--ready-notify"], NOTIFIES);
    go(&world);
    assert!(run.wait().unwrap().success());
    let status = world.status("web");
    assert_eq!(
        (&status["state"], &status["health"]["statusText"]),
        (&"running".into(), &"up and well".into())
    );
    world.ok(&["--stop"]);
    assert_eq!(fs::read_dir(world.state().join("notify")).unwrap().count(), 0, "its socket is left");
}

#[test]
fn a_check_gives_a_slow_starter_its_time() {
    let (world, port) = (World::started(), free_port());
    let says = format!("exec python3 -m http.server --bind 127.0.0.1 --directory /var/empty {port}");
    let url = format!("http://127.0.0.1:{port}/");
    fs::create_dir_all("/var/empty").ok();
    let mut run = starting(&world, &["--health-url", &url, "--health-codes", "200", "--ready-check"], &says);
    eventually("failed checks are told", || {
        world.status("web")["message"].as_str().is_some_and(|text| text.starts_with("not ready yet, check "))
    });
    go(&world);
    assert!(run.wait().unwrap().success());
    let status = world.status("web");
    assert_eq!((&status["state"], &status["restartAttempts"]), (&"running".into(), &0.into()), "{status}");
    // And again: a restart waits, too.
    world.ok(&["restart", "web"]);
    assert_eq!(world.status("web")["healthy"], true);
}

#[test]
fn what_follows_when_it_never_is() {
    let world = World::started();
    for (action, state) in [("restart", "crashed"), ("disable", "disabled"), ("fail", "failed")] {
        let words =
            ["run", "--name", action, "--backoff", "1h", "--ready-notify", "--ready-timeout", "200ms"];
        let said = world.say([&words[..], &["--ready-fail", action, "--", "sleep", "100000"]].concat());
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stderr.contains("did not say READY=1 within 0.2 s"), "{}", said.stderr);
        world.wait_for_state(action, state);
        let status = world.status(action);
        assert_eq!(status["enabled"], action != "disable");
        assert_eq!(status["lastExit"]["reason"], "unhealthy", "{status}");
        assert!(world.instances(action).is_empty());
    }
}

#[test]
fn a_stop_during_the_start_cancels_it() {
    let world = World::started();
    let mut run = starting(&world, &["--ready-notify"], NOTIFIES);
    world.ok(&["stop", "web"]);
    assert!(!run.wait().unwrap().success());
    assert_eq!((world.state_of("web").as_str(), world.instances("web").len()), ("stopped", 0));
}

#[test]
fn the_next_monitor_goes_on_waiting() {
    let world = World::started();
    let mut run = starting(&world, &["--ready-log", "^up$"], "echo up");
    let pid = world.pid_of("web");
    eventually("that it starts is on disk", || {
        let text = fs::read_to_string(world.registry()).unwrap();
        let registry: Value = serde_json::from_str(&text).unwrap();
        registry["processes"]["web"]["pid"].is_number()
    });
    world.kill_monitor();
    run.wait().unwrap();
    world.start();
    assert_eq!((world.state_of("web").as_str(), world.pid_of("web")), ("starting", pid));
    go(&world);
    world.wait_for_state("web", "running");
    assert_eq!((world.pid_of("web"), world.status("web")["restartAttempts"].as_u64()), (pid, Some(0)));
}

const WATCHED: &str = r#"
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.connect(os.environ["NOTIFY_SOCKET"])
period = int(os.environ["WATCHDOG_USEC"]) / 2e6
s.send(b"READY=1")
while not os.path.exists(sys.argv[1]):
    s.send(b"WATCHDOG=1"); time.sleep(period)
time.sleep(100000)
"#;

#[test]
fn a_program_that_falls_silent_is_replaced() {
    let world = World::started();
    let (program, hang) = (world.path().join("watched.py"), world.path().join("hang"));
    fs::write(&program, WATCHED).unwrap();
    let (program, hang) = (program.display().to_string(), hang.display().to_string());
    let words =
        ["run", "--name", "web", "--backoff", "0s", "--ready-notify", "--watchdog", "4s", "--", "python3"];
    world.ok(&[&words[..], &[&program, &hang]].concat());
    let pid = world.pid_of("web").unwrap();
    let begun = Instant::now();
    eventually("it lives longer than its watchdog", || begun.elapsed().as_millis() > 5000);
    assert_eq!(world.pid_of("web"), Some(pid));
    fs::write(&hang, "").unwrap();
    eventually("it is found", || world.status("web")["lastExit"]["reason"] == "unhealthy");
    world.log_that_says("no WATCHDOG=1 for 4000 ms");
}

#[test]
fn one_that_is_being_killed_as_unhealthy_comes_back_under_the_next_monitor() {
    let world = World::started();
    let words =
        ["run", "--name", "web", "--backoff", "0s", "--health-exec", "false", "--health-interval", "10ms"];
    // Whenever the monitor is killed, the program is being checked, killed, or started.
    world.say([&words[..], &["--max-attempts", "1000000", "--", "sleep", "100000"]].concat());
    for _ in 0..5 {
        let seen = world.pid_of("web");
        eventually("it is replaced", || world.pid_of("web").is_some_and(|pid| Some(pid) != seen));
        world.kill_monitor();
        // Of the program; a check, which has its environment, ends by itself.
        assert!(world.running("100000").len() <= 1);
        world.start();
    }
    let seen = world.pid_of("web");
    eventually("it goes on", || world.pid_of("web").is_some_and(|pid| Some(pid) != seen));
    world.ok(&["stop", "web"]);
    assert!(world.running("100000").is_empty());
    eventually("the last check has ended", || world.instances("web").is_empty());
}

#[test]
fn a_kill_is_no_matter_for_a_ready_program() {
    let world = World::started();
    let mut run = starting(&world, &["--ready-notify", "--backoff", "0s"], NOTIFIES);
    go(&world);
    run.wait().unwrap();
    let pid = world.pid_of("web").unwrap();
    world.kill_monitor();
    world.start();
    assert_eq!((world.state_of("web").as_str(), world.pid_of("web")), ("running", Some(pid)));
    kill(pid);
    world.wait_for_new_pid("web", pid);
    world.wait_for_state("web", "running");
    assert_eq!(world.status("web")["health"]["statusText"], "up and well");
}
