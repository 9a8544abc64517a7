//! When the system has no more to give: a clear error, nobody disturbed, and recovery.

use crate::harness::{PROGRAM, World, command_line, eventually, is_alive, kill, said};
use crate::http::Connection;
use crate::users::User;
use serde_json::Value;
use std::fs;
use std::process::Command;

/// Starts a monitor under `ulimit -n LIMIT`.
fn started_with_descriptors(limit: u32) -> World {
    let world = World::new();
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", &format!("ulimit -n {limit}; exec {PROGRAM}")])
        .env("TOM_PM_DIRECTORY", world.path())
        .env("TOM_PM_ALIVENESS_PORT", "0")
        .env("TOM_PM_API_PORT", "0");
    let said = said(shell.output().unwrap());
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    world
}

#[test]
fn used_up_descriptors_are_named_and_given_back() {
    let world = started_with_descriptors(64);
    let start = |n: usize| {
        world.say(["run", "--name", &format!("p{n}"), "--max-attempts", "0", "--", "sleep", "100000"])
    };
    world.ok(&["run", "--name", "p0", "--backoff", "0s", "--", "sleep", "100000"]);
    let mut running = 1;
    let refused = loop {
        let said = start(running);
        if said.code != Some(0) {
            break said;
        }
        running += 1;
        assert!(running < 64, "the limit was never reached");
    };
    assert!(running > 5, "only {running} programs fit: {}", refused.stderr);
    assert!(
        refused.stderr.contains("descriptors") || refused.stderr.contains("open files"),
        "{}",
        refused.stderr
    );

    // The monitor keeps some for itself: to be talked to, and to save.
    let open = fs::read_dir(format!("/proc/{}/fd", world.monitor_pid().unwrap())).unwrap().count();
    assert!(open <= 55, "{open} of 64 are taken");

    let (_, found, _) = world.doctor("descriptors");
    let room =
        found.split("room for about ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u32>().ok());
    assert!(found.contains("64 allowed") && room.is_some_and(|room| room < 3), "{found}");

    // Those that run are supervised on.
    let first = world.pid_of("p0").unwrap();
    let states: Vec<_> = (0..running).map(|n| world.state_of(&format!("p{n}"))).collect();
    assert!(states.iter().all(|state| state == "running"), "{states:?}");

    // Room is made, and used.
    for n in 1..running.min(4) {
        world.ok(&["stop", &format!("p{n}")]);
    }
    let id = format!("p{running}");
    eventually("there is room again", || world.say(["start", &id]).code == Some(0));
    kill(first);
    world.wait_for_new_pid("p0", first);
    assert!(is_alive(world.pid_of(&id).unwrap()));
}

#[test]
fn programs_get_the_users_limit_not_the_monitors() {
    let world = World::new();
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", &format!("ulimit -S -n 256; exec {PROGRAM}")])
        .env("TOM_PM_DIRECTORY", world.path())
        .env("TOM_PM_ALIVENESS_PORT", "0")
        .env("TOM_PM_API_PORT", "0");
    assert!(shell.output().unwrap().status.success());
    world.ok(&["run", "--name", "l", "--", "/bin/sh", "-c", "ulimit -S -n; exec sleep 1000"]);
    eventually("the program has printed", || world.output("l", "stdout") == b"256\n");
}

#[test]
fn programs_that_find_no_room_leave_the_monitor_its_own() {
    let world = started_with_descriptors(64);
    let flapping = ["--backoff", "10ms", "--max-attempts", "1000000", "--", "sleep", "100000"];
    let ids: Vec<_> = (0..20).map(|n| format!("p{n}")).collect();
    for id in &ids {
        world.ok(&[&["add", "--name", id][..], &flapping[..]].concat());
        let _no_room = world.say(["start", id]);
    }
    let states = || ids.iter().map(|id| world.state_of(id)).collect::<Vec<_>>();
    eventually("some run, and others find no room", || {
        let states = states();
        ["running", "crashed"].iter().all(|wanted| states.iter().any(|state| state == wanted))
    });
    let (level, found, advice) = world.doctor("descriptors");
    assert!(level == "warn" && found.contains("64 allowed") && advice.contains("ulimit"), "{level} {found}");

    // More connections than there are descriptors left, and gone again.
    let connections: Vec<_> = (0..40).map(|_| Connection::to(&world)).collect();
    drop(connections);
    eventually("it can be talked to", || world.say(["list"]).code == Some(0));
    // What is told is on disk, although the others go on trying.
    eventually("it can save", || world.say(["autostart", "p0", "off"]).code == Some(0));
    for id in &ids {
        world.ok(&["stop", id]);
    }
    world.ok(&["start", "p0"]);
}

#[test]
fn a_crash_without_room_is_made_good_when_there_is_room() {
    let world = started_with_descriptors(64);
    world.ok(&[
        "run",
        "--name",
        "p0",
        "--backoff",
        "20ms",
        "--max-attempts",
        "100000",
        "--",
        "sleep",
        "100000",
    ]);
    let mut others = Vec::new();
    loop {
        let id = format!("p{}", others.len() + 1);
        let said = world.say(["run", "--name", &id, "--max-attempts", "0", "--", "sleep", "100000"]);
        if said.code != Some(0) {
            break;
        }
        others.push((world.pid_of(&id).unwrap(), id));
    }
    for _ in 0..5 {
        let pid = world.pid_of("p0").unwrap();
        kill(pid);
        world.wait_for_new_pid("p0", pid);
    }
    for (pid, id) in others {
        assert_eq!(world.pid_of(&id), Some(pid), "{id} was disturbed");
    }
}

#[test]
fn used_up_processes_are_named_and_given_back() {
    let Some(user) = User::new() else { return };
    let world = World::new();
    user.takes(&world);
    let started = said(user.command(&world, &["--nproc=40:40"], &[]).output().unwrap());
    assert_eq!(started.code, Some(0), "{}", started.stderr);
    let mut running = Vec::new();
    let refused = loop {
        let id = format!("p{}", running.len());
        let said = user.say(&world, &["run", "--name", &id, "--max-attempts", "0", "--", "sleep", "100000"]);
        if said.code != Some(0) {
            break said;
        }
        running.push(id);
        assert!(running.len() < 40, "the limit was never reached");
    };
    assert!(running.len() > 2, "only {running:?} fit: {}", refused.stderr);
    assert!(
        refused.stderr.contains("cannot fork") && refused.stderr.contains("ulimit -u"),
        "{}",
        refused.stderr
    );
    let status = |id: &str| {
        serde_json::from_str::<Value>(&user.say(&world, &["status", id, "--json"]).stdout).unwrap()
    };
    assert!(running.iter().all(|id| status(id)["state"] == "running"));
    for id in &running[..2] {
        assert_eq!(user.say(&world, &["stop", id]).code, Some(0));
    }
    let id = format!("p{}", running.len());
    eventually("there is room again", || user.say(&world, &["start", &id]).code == Some(0));
    assert_eq!(user.say(&world, &["--stop"]).code, Some(0));
}

#[test]
fn the_monitor_holds_nothing_that_its_caller_had_open() {
    let world = World::new();
    let held = world.path().join("held");
    let mut shell = Command::new("/bin/sh");
    let script = format!("exec 9>{}; exec {PROGRAM} run --name web -- sleep 100000", held.display());
    shell
        .args(["-c", &script])
        .env("TOM_PM_DIRECTORY", world.path())
        .env("TOM_PM_ALIVENESS_PORT", "0")
        .env("TOM_PM_API_PORT", "0")
        .current_dir(world.path());
    assert!(shell.output().unwrap().status.success());
    eventually("the logger is there", || world.logger_pid().is_some());
    for pid in world.processes() {
        for descriptor in fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten() {
            let target = fs::read_link(descriptor.path()).unwrap_or_default();
            assert_ne!(target, held, "pid {pid} {:?}", command_line(pid));
        }
    }
}
