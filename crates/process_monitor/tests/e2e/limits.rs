//! When the system has no more to give: a clear error, nobody disturbed, and recovery.

use crate::harness::{PROGRAM, World, eventually, is_alive, kill, said};
use std::process::Command;

/// Starts a monitor under `ulimit -n LIMIT`.
fn started_with_descriptors(limit: u32) -> World {
    let world = World::new();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &format!("ulimit -n {limit}; exec {PROGRAM}")]).env("TOM_PM_DIRECTORY", world.path());
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
    assert!(running > 3, "only {running} programs fit: {}", refused.stderr);
    assert!(
        refused.stderr.contains("descriptors") || refused.stderr.contains("open files"),
        "{}",
        refused.stderr
    );

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
    shell.args(["-c", &format!("ulimit -S -n 256; exec {PROGRAM}")]).env("TOM_PM_DIRECTORY", world.path());
    assert!(shell.output().unwrap().status.success());
    world.ok(&["run", "--name", "l", "--", "/bin/sh", "-c", "ulimit -S -n; exec sleep 1000"]);
    eventually("the program has printed", || world.output("l", "stdout") == b"256\n");
}
