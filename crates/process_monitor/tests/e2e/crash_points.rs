//! `kill -9` at every crash point of the monitor and of the logger.

use crate::harness::{World, eventually, is_alive, kill, signal};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread;

/// On the way to a program that runs.
const STARTING: [&str; 6] = [
    "record::before_rename",
    "record::after_rename",
    "start::recorded",
    "spawn::before_clone",
    "spawn::after_clone",
    "start::spawned",
];

/// On the way to a registry that is saved.
const SAVING: [&str; 3] = ["write::before_rename", "write::looked", "write::after_rename"];

/// In the logger, while it copies.
const COPYING: [&str; 5] = [
    "rotate::between_renames",
    "rotate::after_times",
    "remember::before_line",
    "remember::before_anew",
    "stamp::before_line",
];

/// In the logger, when a run is over.
const CLOSING: [&str; 2] = ["logger::setting_aside", "logger::set_aside"];

/// In the logger, at its end.
const LEAVING: &str = "logger::leave";

/// While a monitor follows itself, and while it answers its partner; tested with those. While output is copied on a
/// system that cannot move it; tested in the host layer.
const ELSEWHERE: [&str; 6] = [
    "succession::followed",
    "supervisor::ping",
    "staging::before_read",
    "staging::after_read",
    "staging::before_write",
    "staging::after_write",
];

const SLEEPER: [&str; 3] = ["--", "sleep", "100000"];

/// Has another monitor take over, which dies at `point`.
fn replace_monitor_by_one_that_dies(world: &World, point: &str) -> u32 {
    world.kill_monitor();
    let said = world.start_with_failpoint(point);
    assert_eq!(said.code, Some(0), "{point}: {}", said.stderr);
    world.monitor_pid().unwrap()
}

fn start_when_dead(world: &World, monitor: u32, point: &str) {
    eventually(&format!("the monitor dies at {point}"), || !is_alive(monitor));
    world.start();
}

/// Whether this folder of the host layer is compiled here.
fn is_of_this_system(folder: &Path) -> bool {
    !["linux", "macos", "windows"].into_iter().any(|of| folder.ends_with(of) && of != std::env::consts::OS)
}

#[test]
fn every_crash_point_is_tested() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = BTreeSet::new();
    let mut folders =
        ["host/src", "client/src", "process_monitor/src"].map(|path| crates.join(path)).to_vec();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                // What other systems do is tested there.
                if !path.parent().is_some_and(|parent| parent.ends_with("sys")) || is_of_this_system(&path) {
                    folders.push(path);
                }
                continue;
            }
            let text = fs::read_to_string(path).unwrap();
            let calls = text.split("crash_point!(\"").skip(1);
            found.extend(calls.filter_map(|call| Some(call.split_once('"')?.0.to_owned())));
        }
    }
    let tested =
        STARTING.iter().chain(&SAVING).chain(&COPYING).chain(&CLOSING).chain(&ELSEWHERE).chain([&LEAVING]);
    let tested = tested.map(|point| (*point).to_owned()).collect();
    assert_eq!(found, tested);
}

#[test]
fn while_a_program_is_started_for_the_first_time() {
    let world = World::started();
    world.ok(&[&["run", "--name", "steady"][..], &SLEEPER[..]].concat());
    let steady = world.pid_of("steady").unwrap();
    for point in STARTING {
        let monitor = replace_monitor_by_one_that_dies(&world, &format!("{point}=1*return"));
        world.ok(&[&["add", "--name", "new"][..], &SLEEPER[..]].concat());
        assert_eq!(
            world.say(["start", "new"]).code,
            Some(1),
            "{point}: a start that nobody saw is no success"
        );
        start_when_dead(&world, monitor, point);

        // Nobody was told that it runs, so it may rest; but it is registered, and not there twice.
        eventually(&format!("{point}: it is settled"), || match world.state_of("new").as_str() {
            "running" => world.pid_of("new").is_some_and(|pid| world.instances("new") == [pid]),
            "stopped" => world.instances("new").is_empty(),
            _ => false,
        });
        world.ok(&["start", "new"]);
        assert_eq!(world.instances("new"), [world.pid_of("new").unwrap()], "{point}");
        assert_eq!(world.instances("steady"), [steady], "{point}: what ran, ran on");
        world.ok(&["remove", "new"]);
        assert!(world.instances("new").is_empty(), "{point}");
    }
    assert_eq!(world.status("steady")["restartAttempts"], 0);
    world.ok(&["stop", "all"]);
    eventually("no FIFO is left of what never ran", || world.files_of_runs().is_empty());
}

#[test]
fn while_a_crashed_program_is_started_again() {
    started_again_with("capture");
}

#[test]
fn while_a_crashed_program_is_started_again_whose_output_is_discarded() {
    started_again_with("discard");
}

fn started_again_with(output: &str) {
    let world = World::started();
    let words = ["run", "--name", "web", "--backoff", "0s", "--max-attempts", "100", "--output", output];
    world.ok(&[&words[..], &SLEEPER[..]].concat());
    let mut pid = world.pid_of("web").unwrap();
    for (crashes, point) in (1..).zip(STARTING) {
        let monitor = replace_monitor_by_one_that_dies(&world, &format!("{point}=1*return"));
        kill(pid);
        start_when_dead(&world, monitor, point);
        pid = world.wait_for_new_pid("web", pid);
        assert_eq!(world.instances("web"), [pid], "{point}");
        let status = world.status("web");
        assert_eq!(status["restartAttempts"], crashes, "{point}: {status}");
        assert_eq!(status["lastExit"]["signal"], "SIGKILL", "{point}: {status}");
    }
}

/// A command, and what is true of the process once it was acknowledged: whether it is registered,
/// enabled, and up.
type Step = (&'static [&'static str], (bool, bool, bool));

const LIFE: [Step; 8] = [
    (&["add", "--name", "p", "--", "sleep", "100000"], (true, true, false)),
    (&["start", "p"], (true, true, true)),
    (&["restart", "p"], (true, true, true)),
    (&["disable", "p"], (true, false, false)),
    (&["enable", "p"], (true, true, false)),
    (&["start", "p"], (true, true, true)),
    (&["stop", "p"], (true, true, false)),
    (&["remove", "p"], (false, false, false)),
];

/// What of [`Step`] is true now; `None` when something is under way, or not as it is said to be.
fn truth(world: &World) -> Option<(bool, bool, bool)> {
    let said = world.say(["status", "p", "--json"]);
    let instances = world.instances("p");
    if said.code == Some(4) {
        return instances.is_empty().then_some((false, false, false));
    }
    let status: Value = serde_json::from_str(&said.stdout).ok()?;
    let status = status["processes"].get(0).cloned().unwrap_or(status);
    let up = match (status["state"].as_str()?, instances.as_slice()) {
        ("running", [pid]) if status["pid"] == *pid => true,
        ("stopped" | "disabled", []) => false,
        _ => return None,
    };
    Some((true, status["enabled"].as_bool()?, up))
}

/// Goes through [`LIFE`] until the monitor is gone; what is true then: what was last acknowledged, or
/// what the command that was cut off wants.
fn live_until_death(world: &World) -> [(bool, bool, bool); 2] {
    let mut before = (false, false, false);
    for (command, then) in LIFE {
        let said = world.say(command);
        if said.code != Some(0) {
            eventually("the monitor that did not answer is gone", || world.monitor_pid().is_none());
            return [before, then];
        }
        before = then;
        if world.monitor_pid().is_none() {
            break;
        }
    }
    [before, before]
}

/// Kills the monitor when it comes to `point` after having passed it `passes` times. What was
/// acknowledged by then must be true under the next monitor; the command that was cut off may be done
/// or not. False when the monitor lived to the end.
fn a_life_cut_off(world: &World, point: &str, passes: usize) -> bool {
    let started = world.start_with_failpoint(&format!("{point}={passes}*off->1*return"));
    let possible = match started.code {
        Some(0) => live_until_death(world),
        _ => [(false, false, false); 2],
    };
    let cut = world.monitor_pid().is_none();
    if !cut {
        world.kill_monitor();
    }
    if world.registry().exists() {
        world.document();
    }
    world.start();
    eventually(&format!("{point} passed {passes} times: {possible:?}"), || {
        truth(world).is_some_and(|found| possible.contains(&found))
    });
    cut
}

fn lives_cut_off(point: &str) {
    let world = World::new();
    // A whole life saves about as often as it has steps; some of them together.
    let cut = (0..10).filter(|passes| {
        let cut = a_life_cut_off(&world, point, *passes);
        let _may_be_gone = world.say(["remove", "p"]);
        world.kill_monitor();
        cut
    });
    assert!(cut.count() > 5, "{point} is hardly ever reached");
}

#[test]
fn before_the_registry_is_replaced() {
    lives_cut_off(SAVING[0]);
}

#[test]
fn between_the_look_at_the_registry_and_its_replacement() {
    lives_cut_off(SAVING[1]);
}

#[test]
fn after_the_registry_was_replaced() {
    lives_cut_off(SAVING[2]);
}

/// Has loggers die at `point` while a program prints, and looks for every line.
fn loggers_die_at(point: &str, options: &[&str]) {
    let world = World::new();
    let text = "#!/bin/bash\nfor ((i = 0; i < 20000; i++)); do echo \"line $i\"; done\nexec sleep 100000\n";
    let program = world.script("prints", text);
    assert_eq!(world.start_with_failpoint(&format!("{point}=1*return")).code, Some(0));
    world.ok(&[
        &["run", "--name", "p", "--max-log-size", "10k", "--keep-files", "1000"],
        options,
        &["--", &program],
    ]
    .concat());
    eventually(&format!("two loggers die at {point}"), || {
        let log = world.monitor_log();
        ["the logger is gone", "cannot reach the logger"]
            .map(|words| log.matches(words).count())
            .iter()
            .sum::<usize>()
            >= 2
    });
    world.kill_monitor();
    world.start();
    eventually(&format!("{point}: the last line is kept"), || {
        world.newest_file("p", "stdout").ends_with(b"line 19999\n")
    });
    let text = String::from_utf8(world.output("p", "stdout")).unwrap();
    for (n, line) in text.lines().enumerate() {
        let own = if options.contains(&"--timestamps") {
            line.split_once(' ').map_or("", |(_, own)| own)
        } else {
            line
        };
        assert_eq!(own, format!("line {n}"), "{point}: {line:?}");
    }
}

#[test]
fn a_logger_that_rotates() {
    loggers_die_at("rotate::between_renames", &[]);
    loggers_die_at("rotate::after_times", &[]);
}

#[test]
fn a_logger_that_writes_down_what_it_copies() {
    loggers_die_at("remember::before_line", &[]);
    loggers_die_at("remember::before_anew", &[]);
}

#[test]
fn a_logger_between_a_time_and_its_line() {
    loggers_die_at("stamp::before_line", &["--timestamps"]);
}

#[test]
fn a_logger_that_is_done_with_a_run() {
    // So that each logger is done with one run.
    for (point, passes) in CLOSING.into_iter().zip([5, 1]) {
        let world = World::new();
        assert_eq!(world.start_with_failpoint(&format!("{point}={passes}*off->1*return")).code, Some(0));
        let program = ["--", "sh", "-c", "echo $$; exit 1"];
        let options = ["run", "--name", "p", "--backoff", "0s", "--max-attempts", "4"];
        // It may have failed for good before that is answered.
        let _any = world.say([&options[..], &program[..]].concat());
        world.wait_for_state("p", "failed");
        eventually(&format!("{point}: all runs are closed"), || world.files_of_runs().is_empty());
        let output = String::from_utf8(world.output("p", "stdout")).unwrap();
        assert_eq!(output.lines().count(), 5, "{point}: {output}");
        let log = world.monitor_log();
        assert!(log.contains("the logger is gone") || log.contains("cannot reach the logger"), "{point}");
    }
}

#[test]
fn a_logger_for_whose_leave_its_monitor_waits() {
    let world = World::started();
    let [go, done] = ["go", "done"].map(|name| world.path().join(name));
    let text = format!(
        "#!/bin/bash\necho line 1\nuntil [ -e {} ]; do sleep 0.01; done\n\
         for ((i = 2; i <= 500; i++)); do echo line $i; done\ntouch {}\nexec sleep 100000\n",
        go.display(),
        done.display()
    );
    let program = world.script("prints", &text);
    world.ok(&["run", "--name", "p", "--", &program]);
    eventually("the first line is kept", || world.output("p", "stdout") == b"line 1\n");
    let logger = world.logger_pid().unwrap();
    signal(logger, "STOP");
    fs::write(go, "").unwrap();
    eventually("all is printed", || done.exists());
    let said = thread::scope(|scope| {
        let stopping = scope.spawn(|| world.say(["--stop"]));
        eventually("the program is stopped", || world.instances("p").is_empty());
        kill(logger);
        stopping.join().unwrap()
    });
    assert_eq!(said.code, Some(0), "{said:?}");
    let lines: String = (1..=500).map(|number| format!("line {number}\n")).collect();
    assert_eq!(String::from_utf8(world.output("p", "stdout")).unwrap(), lines);
    assert_eq!((world.processes(), world.files_of_runs().len()), (vec![], 0));
}

#[test]
fn a_logger_that_leaves_with_its_monitor() {
    let world = World::new();
    assert_eq!(world.start_with_failpoint(&format!("{LEAVING}=1*return")).code, Some(0));
    world.ok(&["run", "--name", "p", "--", "sh", "-c", "echo one; exec sleep 100000"]);
    eventually("the line is kept", || world.output("p", "stdout") == b"one\n");
    world.ok(&["--stop"]);
    assert_eq!(world.processes(), Vec::<u32>::new());

    world.start();
    eventually("the next logger takes over", || world.output("p", "stdout") == b"one\none\n");
    assert_eq!(world.instances("p"), [world.pid_of("p").unwrap()]);
}
