//! A program that cannot follow: the monitor goes on, everything is as it was, and who asked is told why.

use crate::harness::{PROGRAM, World, eventually, is_alive, start_time};
use crate::http::Connection;
use crate::programs::write_program;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

fn put(world: &World, content: &[u8], mode: u32) {
    let new = world.program().with_extension("new");
    write_program(&new, content, mode);
    fs::rename(&new, world.program()).unwrap();
}

/// What must not change.
#[derive(Debug, PartialEq)]
struct Seen {
    monitor: Option<u32>,
    program: Option<u32>,
    started: Option<u64>,
    registry: String,
    status_started: String,
    left: BTreeSet<OsString>,
}

/// A monitor with a program of its own, and a process that runs and is on disk as such.
fn world() -> World {
    let world = World::with_own_program();
    world.start();
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    let saved = || fs::read_to_string(world.registry()).is_ok_and(|text| text.contains("\"running\""));
    eventually("it is saved", saved);
    world
}

fn look(world: &World) -> Seen {
    let status = Connection::to(world).ask("GET", "/monitor/status", None).body;
    let web = Connection::to(world).ask("GET", "/processes/web", None).body;
    let program = web["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
    Seen {
        monitor: world.monitor_pid(),
        program,
        started: program.and_then(start_time),
        registry: fs::read_to_string(world.registry()).unwrap(),
        status_started: status["startedAt"].to_string(),
        left: fs::read_dir(world.state()).unwrap().map(|entry| entry.unwrap().file_name()).collect(),
    }
}

#[test]
fn every_kind_of_bad_program_is_refused() {
    let world = world();
    let whole = fs::read(PROGRAM).unwrap();
    type Bad<'a> = (&'a str, Option<(&'a [u8], u32)>, &'a str);
    let refuses = br#"#!/bin/sh
echo '{"failed":"the stars are not right"}'
exit 1"#;
    let table: [Bad<'_>; 9] = [
        ("exits 1", Some((b"#!/bin/sh\necho boom >&2\nexit 1\n", 0o755)), "boom"),
        ("exits 0", Some((b"#!/bin/sh\nexit 0\n", 0o755)), "without saying that it is ready"),
        ("kills itself", Some((b"#!/bin/sh\nkill -SEGV $$\n", 0o755)), "signal: 11"),
        ("has a reason", Some((refuses, 0o755)), "the stars are not right"),
        ("is truncated", Some((&whole[..whole.len() - 1], 0o755)), "is truncated"),
        ("is cut in half", Some((&whole[..whole.len() / 2], 0o755)), "is truncated"),
        ("is not executable", Some((b"#!/bin/sh\n", 0o644)), "ermission denied"),
        // Some C libraries give what is no program to a shell.
        ("is no program", Some((b"hello", 0o755)), "without saying that it is ready|Exec format error"),
        ("is missing", None, "cannot start"),
    ];
    let before = look(&world);
    for (what, program, why) in table {
        match program {
            Some((content, mode)) => put(&world, content, mode),
            None => fs::remove_file(world.program()).unwrap(),
        }
        let answer = Connection::to(&world).ask("POST", "/monitor/restart", None);
        assert_eq!((answer.status, answer.body["code"].as_str()), (409, Some("rehearsal_failed")), "{what}");
        let told = answer.body["error"].as_str().unwrap();
        assert!(why.split('|').any(|why| told.contains(why)) && told.contains("goes on"), "{what}: {told}");
        assert_eq!(look(&world), before, "{what}");
    }
    world.put_program();
    world.ok(&["--restart"]);
    assert_eq!((world.monitor_pid(), world.pid_of("web")), (before.monitor, before.program));
}

#[test]
fn a_hanging_one_is_killed() {
    let world = world();
    let before = look(&world);
    let pids = world.path().join("pids");
    let script = format!("#!/bin/sh\nsleep 1000 &\necho $$ $! > {}\nwait\n", pids.display());
    put(&world, script.as_bytes(), 0o755);
    let answer = Connection::to(&world).ask("POST", "/monitor/restart", None);
    assert_eq!((answer.status, answer.body["code"].as_str()), (409, Some("rehearsal_failed")));
    assert!(answer.body["error"].as_str().unwrap().contains("was killed"), "{:?}", answer.body);
    let pids = fs::read_to_string(pids).unwrap();
    let gone = |pid: &str| !is_alive(pid.parse().unwrap());
    eventually("all of it is gone", || pids.split_whitespace().all(gone));
    assert_eq!(look(&world), before);
}

#[test]
fn the_command_line_tells_why() {
    let world = world();
    let command = |world: &World| {
        let mut command = std::process::Command::new(Path::new(PROGRAM));
        command.arg("--restart").env("TOM_PM_DIRECTORY", world.path()).env_remove("FAILPOINTS");
        crate::harness::said(command.output().unwrap())
    };
    put(&world, b"#!/bin/sh\necho boom >&2\nexit 1\n", 0o755);
    let said = command(&world);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("boom") && said.stderr.contains("try again"), "{}", said.stderr);
}

#[test]
fn a_registry_that_the_new_one_cannot_read_is_a_reason() {
    let world = World::started();
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    let saved = || fs::read_to_string(world.registry()).is_ok_and(|text| text.contains("\"running\""));
    eventually("it is saved", saved);
    let whole = fs::read_to_string(world.registry()).unwrap();
    let (monitor, web) = (world.monitor_pid(), world.pid_of("web"));
    for (edit, why) in [
        (whole.replace("\"version\": 1", "\"version\": 99"), "99"),
        (whole.replace("\"enabled\": true", "\"enabled\": 7"), "enabled"),
        ("{".to_owned(), "line 1"),
    ] {
        assert_ne!(edit, whole);
        fs::write(world.registry(), &edit).unwrap();
        let said = world.say(["--restart"]);
        assert_eq!(said.code, Some(1));
        assert!(said.stderr.contains(why) && said.stderr.contains("goes on"), "{}", said.stderr);
        assert_eq!(fs::read_to_string(world.registry()).unwrap(), edit);
        assert_eq!((world.monitor_pid(), world.pid_of("web")), (monitor, web));
    }
}
