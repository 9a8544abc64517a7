//! As process 1 of a container: a pid namespace of its own.

use crate::harness::{World, command_line, eventually, kill, said, signal};
use std::fs;
use std::process::{Child, Command, Stdio};

/// A container whose process 1 is the monitor, or `None` where this user may not make one.
fn contained(world: &World, args: &[&str]) -> Option<Child> {
    let may = Command::new("unshare").args(["--pid", "--fork", "--mount-proc", "true"]).output();
    if !may.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no pid namespace may be made here");
        return None;
    }
    let inner = world.command(args.iter().copied());
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--mount-proc", "--kill-child"]).arg(inner.get_program()).args(args);
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.current_dir(world.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(command.spawn().unwrap())
}

/// The pid of the container's process 1, as seen from here.
fn process_one(container: &Child) -> u32 {
    let path = format!("/proc/{0}/task/{0}/children", container.id());
    let mut found = None;
    eventually("process 1 is there", || {
        let children = fs::read_to_string(&path).unwrap_or_default();
        found = children.split_whitespace().next().and_then(|pid| pid.parse().ok());
        found
            .is_some_and(|pid| command_line(pid).first().is_some_and(|word| word.contains("process_monitor")))
    });
    found.unwrap()
}

/// `during` is called while it runs; one that ends by itself may be gone before anybody has seen it.
fn exit_code_of(
    world: &World,
    options: &[&str],
    script: &str,
    during: Option<impl FnOnce(u32)>,
) -> Option<i32> {
    let words = [&["add", "--name", "app"][..], options, &["--", "sh", "-c", script]].concat();
    world.ok(&words);
    world.ok(&["add", "--name", "helper", "--", "sleep", "100000"]);
    let container = contained(world, &["--foreground", "--exit-with", "app"])?;
    during.into_iter().for_each(|during| during(process_one(&container)));
    let said = said(container.wait_with_output().unwrap());
    assert!(said.stdout.contains("process_monitor "), "the log goes to the standard output: {said:?}");
    eventually("nothing is left", || world.processes().is_empty());
    Some(said.code.unwrap())
}

#[test]
fn the_end_of_one_program_is_the_end_of_the_container() {
    let never: &[&str] = &["--restart", "never"];
    let table = [
        (never, "sleep 0.3; exit 42", 42),
        (never, "sleep 0.3; exit 0", 0),
        (never, "sleep 0.3; kill -9 $$", 137),
        (&["--restart", "on-failure", "--max-attempts", "2", "--backoff", "0s"], "exit 7", 7),
    ];
    for (options, script, expected) in table {
        let world = World::new();
        let Some(code) = exit_code_of(&world, options, script, None::<fn(u32)>) else { return };
        assert_eq!(code, expected, "{script}");
    }
}

#[test]
fn a_signal_is_a_wanted_stop() {
    for name in ["TERM", "INT"] {
        let world = World::new();
        let stop = |pid| {
            world.wait_for_state("app", "running");
            signal(pid, name);
        };
        let Some(code) = exit_code_of(&world, &[], "exec sleep 100000", Some(stop)) else { return };
        assert_eq!(code, 0);
        assert!(!world.state().join("supervising.json").exists());
    }
}

#[test]
fn orphans_of_anybody_are_reaped_also_by_the_image_that_follows() {
    let world = World::new();
    let Some(container) = contained(&world, &[]) else { return };
    let one = process_one(&container);
    // Into the namespace, as a shell that somebody opens in a container: no program of ours.
    let leave_orphan = || {
        let mut command = Command::new("nsenter");
        command.args([
            "--pid",
            "--target",
            &one.to_string(),
            "sh",
            "-c",
            "sh -c 'sleep 0.2 & sleep 0.2 & sleep 0.1' & exit",
        ]);
        assert!(command.status().unwrap().success());
    };
    let children = || {
        let tasks = fs::read_dir(format!("/proc/{one}/task")).unwrap().flatten();
        let lists = tasks.map(|task| fs::read_to_string(task.path().join("children")).unwrap_or_default());
        let pids: Vec<u32> = lists
            .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
            .collect();
        pids.into_iter().filter(|pid| !command_line(*pid).iter().any(|word| word == "logger")).count()
    };
    eventually("it serves", || world.say(["--status"]).code == Some(0));
    for _ in 0..2 {
        leave_orphan();
        eventually("none is left", || children() == 0);
        world.ok(&["--restart"]);
    }
    kill(one);
    let _ended = container.wait_with_output().unwrap();
}

#[test]
fn nobody_to_end_with_is_said() {
    let world = World::new();
    let said = world.say(["--foreground", "--exit-with", "nobody"]);
    assert_eq!(said.code, Some(1));
    assert!(
        said.stderr.contains("no process nobody") && said.stderr.contains("register it"),
        "{}",
        said.stderr
    );
}
