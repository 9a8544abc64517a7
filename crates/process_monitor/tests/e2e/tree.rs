//! A stop means gone: workers, daemons and whatever else descends from a program.

use crate::harness::{World, eventually, is_alive, kill, signal};
use std::fs;

/// The pids that a script wrote down, one per line.
fn pids_in(world: &World, file: &str) -> Vec<u32> {
    let text = fs::read_to_string(world.path().join(file)).unwrap_or_default();
    text.lines().filter_map(|line| line.trim().parse().ok()).collect()
}

/// A program that leaves a daemon behind: double fork, session of its own, environment kept.
fn daemoniser(world: &World) -> String {
    let pids = world.path().join("daemons");
    world.script(
        "daemoniser",
        &format!(
            "#!/bin/sh\n( setsid sh -c 'echo $$ >> {}; exec sleep 100000' & ) \nexec sleep 100000\n",
            pids.display()
        ),
    )
}

#[test]
fn a_double_forked_daemon_is_gone_after_a_stop_and_before_a_restart() {
    let world = World::started();
    let program = daemoniser(&world);
    world.ok(&["run", "--name", "d", "--backoff", "0s", "--", &program]);
    eventually("the daemon is there", || pids_in(&world, "daemons").len() == 1);
    let first = world.pid_of("d").unwrap();
    kill(first);
    world.wait_for_new_pid("d", first);
    assert!(
        !is_alive(pids_in(&world, "daemons")[0]),
        "the daemon of the crashed run outlived its replacement's start"
    );
    eventually("the second daemon is there", || pids_in(&world, "daemons").len() == 2);
    world.ok(&["stop", "d"]);
    assert!(!is_alive(pids_in(&world, "daemons")[1]), "the daemon outlived the stop");
}

#[test]
fn the_same_for_a_program_that_was_adopted() {
    let world = World::started();
    let program = daemoniser(&world);
    world.ok(&["run", "--name", "d", "--", &program]);
    eventually("the daemon is there", || pids_in(&world, "daemons").len() == 1);
    world.kill_monitor();
    world.start();
    world.ok(&["stop", "d"]);
    assert!(!is_alive(pids_in(&world, "daemons")[0]));
}

#[test]
fn fifty_children_of_a_dying_program_are_gone_before_it_is_back() {
    let world = World::started();
    let (pids, go) = (world.path().join("children"), world.path().join("go"));
    let text = format!(
        "#!/bin/bash\nfor i in $(seq 50); do sleep 100000 & echo $! >> {0}; done\n\
         while [ ! -e {1} ]; do sleep 0.01; done; rm {1}; exit 1\n",
        pids.display(),
        go.display()
    );
    let program = world.script("parent", &text);
    world.ok(&["run", "--name", "parent", "--backoff", "0s", "--", &program]);
    eventually("all children are there", || pids_in(&world, "children").len() == 50);
    let first = world.pid_of("parent").unwrap();
    fs::write(&go, "").unwrap();
    world.wait_for_new_pid("parent", first);
    assert_eq!(pids_in(&world, "children")[..50].iter().filter(|pid| is_alive(**pid)).count(), 0);
    world.ok(&["stop", "parent"]);
    assert_eq!(pids_in(&world, "children").iter().filter(|pid| is_alive(**pid)).count(), 0);
    eventually("the monitor has no children but the logger", || {
        monitors_children(&world) == Vec::from_iter(world.logger_pid())
    });
}

/// The children of all threads of the monitor, zombies included.
fn monitors_children(world: &World) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{}/task", world.monitor_pid().unwrap())).unwrap();
    let children = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    children
        .flat_map(|pids| pids.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>())
        .collect()
}

#[test]
fn zombies_of_a_program_keep_nobody_waiting() {
    let world = World::started();
    // sleep(1) never asks for the children that the shell before it has started.
    let text = "#!/bin/sh\nfor i in 1 2 3; do sleep 0.01 & done\nexec sleep 100000\n";
    let program = world.script("careless", text);
    world.ok(&["run", "--name", "careless", "--backoff", "0s", "--", &program]);
    let zombies = || {
        let pid = world.pid_of("careless").unwrap();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        children.split_whitespace().filter(|pid| pid.parse().is_ok_and(|pid| !is_alive(pid))).count()
    };
    eventually("it has zombies", || zombies() == 3);
    let pid = world.pid_of("careless").unwrap();
    kill(pid);
    world.wait_for_new_pid("careless", pid);
    eventually("it has zombies again", || zombies() == 3);
    world.ok(&["stop", "careless"]);
    // A tree is given up after ten seconds; zombies must not count as what is left of it.
    assert!(!world.monitor_log().contains("do not end, even by SIGKILL"), "{}", world.monitor_log());
    eventually("no zombie is left", || monitors_children(&world) == Vec::from_iter(world.logger_pid()));
}

#[test]
fn who_ignores_the_stop_signal_is_killed_in_time() {
    let world = World::started();
    let program = world
        .script("stubborn", "#!/bin/sh\ntrap '' TERM INT HUP\necho ready\nwhile :; do sleep 0.05; done\n");
    world.ok(&["run", "--name", "stubborn", "--stop-timeout", "300ms", "--", &program]);
    eventually("it has set its trap", || !world.output("stubborn", "stdout").is_empty());
    let pid = world.pid_of("stubborn").unwrap();
    world.ok(&["stop", "stubborn"]);
    assert!(!is_alive(pid));
    let status = world.status("stubborn");
    assert_eq!(
        (status["lastExit"]["signal"].as_str(), status["lastExit"]["reason"].as_str()),
        (Some("SIGKILL"), Some("stopped"))
    );
}

#[test]
fn a_stopped_program_stays_stopped_and_counts_as_running() {
    let world = World::started();
    world.ok(&["run", "--name", "s", "--stop-timeout", "300ms", "--", "sleep", "100000"]);
    let pid = world.pid_of("s").unwrap();
    signal(pid, "STOP");
    let state = || fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default().contains(") T ");
    eventually("it is stopped", state);
    world.kill_monitor();
    world.start();
    assert_eq!((world.state_of("s").as_str(), world.pid_of("s")), ("running", Some(pid)));
    assert!(state(), "looking at it has woken it");
    assert_eq!((world.status("s")["restartAttempts"].as_u64(), world.instances("s")), (Some(0), vec![pid]));
    world.ok(&["stop", "s"]);
    assert!(!is_alive(pid));
}

#[test]
fn without_kill_tree_children_are_left_alone() {
    let world = World::started();
    let pids = world.path().join("child");
    let text = format!("#!/bin/sh\nsleep 100000 & echo $! > {}\nexec sleep 100000\n", pids.display());
    let program = world.script("parent", &text);
    world.ok(&["run", "--name", "p", "--no-kill-tree", "--", &program]);
    eventually("the child is there", || pids_in(&world, "child").len() == 1);
    world.ok(&["stop", "p"]);
    assert!(is_alive(pids_in(&world, "child")[0]));
}

#[test]
fn orphans_that_end_are_reaped() {
    let world = World::started();
    // Each round leaves an orphan that ends at once: it falls to the monitor.
    let program = world
        .script("orphans", "#!/bin/sh\nfor i in 1 2 3 4 5; do ( sleep 0.02 & ) ; done\nexec sleep 100000\n");
    world.ok(&["run", "--name", "o", "--", &program]);
    eventually("no orphan is left as a zombie", || {
        let mut known = [world.pid_of("o"), world.logger_pid()].map(Option::unwrap);
        let mut children = monitors_children(&world);
        known.sort_unstable();
        children.sort_unstable();
        children == known
    });
}
