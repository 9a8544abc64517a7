//! `kill -9` of the monitor, anywhere: nothing is lost, nothing is there twice.

use crate::harness::{World, eventually, is_alive, kill, said};
use std::fs;
use std::process::{Child, Command, Stdio};

/// A program that takes no notice of SIGTERM, as soon as it has said so.
fn stubborn(world: &World) -> String {
    world.script("stubborn", "#!/bin/sh\ntrap '' TERM\necho ready\nwhile :; do sleep 0.05; done\n")
}

/// A program that can be counted, and that does not end.
fn sleeper(world: &World, name: &str) -> String {
    world.script(name, "#!/bin/sh\nexec sleep 100000\n")
}

#[test]
fn a_stop_that_was_cut_off_is_finished() {
    let world = World::started();
    let stubborn = stubborn(&world);
    world.ok(&["run", "--name", "web", "--stop-timeout", "5s", "--", &stubborn]);
    eventually("it has set its trap", || !world.output("web", "stdout").is_empty());
    let pid = world.pid_of("web").unwrap();
    let stopping =
        world.command(["stop", "web"]).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // Before that the wish is nobody's but the client's, who is told that it went wrong.
    eventually("the stop is on disk", || {
        fs::read_to_string(world.registry()).unwrap().contains(r#""state": "stopping""#)
    });
    world.kill_monitor();
    assert_eq!(said(stopping.wait_with_output().unwrap()).code, Some(1));
    assert!(is_alive(pid));
    world.start();
    world.wait_for_state("web", "stopped");
    assert!(!is_alive(pid));
}

#[test]
fn the_count_of_restarts_survives() {
    let world = World::started();
    let program = sleeper(&world, "program");
    world.ok(&["run", "--name", "web", "--backoff", "0s", "--", &program]);
    let mut pid = world.pid_of("web").unwrap();
    for expected in 1..=3 {
        kill(pid);
        pid = world.wait_for_new_pid("web", pid);
        world.kill_monitor();
        world.start();
        assert_eq!(world.status("web")["restartAttempts"], expected);
        assert_eq!(world.pid_of("web"), Some(pid));
    }
}

/// A process that is none of the monitor's; it ends with the test.
struct Foreign(Child);

impl Foreign {
    fn new() -> Self {
        Self(Command::new("sleep").arg("100000").spawn().unwrap())
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_pid_that_is_somebody_elses_now_is_never_signalled() {
    let world = World::started();
    let program = sleeper(&world, "program");
    world.ok(&["run", "--name", "web", "--", &program]);
    let pid = world.pid_of("web").unwrap();
    world.await_logger_of(pid);
    world.kill_monitor();
    kill(pid);
    let mut foreign = Foreign::new();
    // As if the foreign process had got the recorded number: same pid in the record, its own start time.
    let record = world.state().join("runs/web.run");
    let text = fs::read_to_string(&record).unwrap();
    let forged = text.replacen(&format!("\n{pid} ("), &format!("\n{} (", foreign.0.id()), 1);
    assert_ne!(text, forged);
    fs::write(&record, forged).unwrap();
    // Nor shall the logger's word settle it: only the number is left.
    let mut note = None;
    eventually("the logger has noted the exit", || {
        let mut files = fs::read_dir(world.state().join("exits")).unwrap().flatten().map(|file| file.path());
        note = files.find(|path| path.extension().is_some_and(|extension| extension == "json"));
        note.is_some()
    });
    fs::remove_file(note.unwrap()).unwrap();
    world.start();
    world.wait_for_state("web", "running");
    assert!(is_alive(foreign.0.id()));
    assert_ne!(world.pid_of("web"), Some(foreign.0.id()));
    world.ok(&["stop", "web"]);
    assert!(foreign.0.try_wait().unwrap().is_none(), "the foreign process was signalled");
}

#[test]
fn a_second_monitor_says_who_holds_the_directory() {
    let world = World::started();
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    let (holder, web) = (world.monitor_pid().unwrap(), world.pid_of("web"));
    let second = world.say(["--foreground"]);
    // What was wanted is there.
    assert_eq!(second.code, Some(0), "{}", second.stderr);
    assert!(second.stdout.contains(&holder.to_string()), "{}", second.stdout);
    assert_eq!((world.monitor_pid(), world.pid_of("web")), (Some(holder), web));
    kill(web.unwrap());
    world.wait_for_new_pid("web", web.unwrap());
}

#[test]
fn a_shutdown_that_was_cut_off_leaves_autostart_to_decide() {
    let world = World::started();
    let stubborn = stubborn(&world);
    world.ok(&["run", "--name", "auto", "--", &stubborn]);
    world.ok(&["run", "--name", "manual", "--no-autostart", "--stop-timeout", "5s", "--", &stubborn]);
    eventually("they have set their traps", || {
        ["auto", "manual"].iter().all(|id| !world.output(id, "stdout").is_empty())
    });
    let stopping = world.command(["--stop"]).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    eventually("the file says that both are being stopped", || {
        ["auto", "manual"].iter().all(|id| world.entry(id)["state"] == "stopping")
    });
    world.kill_monitor();
    let stopped = said(stopping.wait_with_output().unwrap());
    assert_eq!(stopped.code, Some(1), "{stopped:?}");
    assert!(stopped.stderr.contains("before everything was stopped"), "{stopped:?}");
    world.start();
    world.wait_for_state("auto", "running");
    world.wait_for_state("manual", "stopped");
    let leaders = |id: &str| {
        let mut pids = world.running(&stubborn);
        pids.retain(|pid| world.instances(id).contains(pid));
        pids
    };
    // A child that it has just forked looks like itself, until it is a sleep(1).
    eventually("it is there once", || leaders("auto") == Vec::from_iter(world.pid_of("auto")));
    assert_eq!(leaders("manual"), [0_u32; 0]);
}

/// Whether `text` is `0`, `1`, `2`, … each on its line; the last line may be on its way still.
fn is_contiguous(text: &[u8]) -> bool {
    let text = std::str::from_utf8(text).unwrap();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().enumerate().all(|(n, line)| line == n.to_string())
}

fn counts(world: &World) {
    let program = world.script("counts", "#!/bin/bash\ni=0\nwhile :; do echo $((i++)); sleep 0.01; done\n");
    world.ok(&["run", "--name", "counts", "--", &program]);
    eventually("it prints", || !world.output("counts", "stdout").is_empty());
}

fn output_goes_on(world: &World) {
    let seen = world.output("counts", "stdout").len();
    eventually("output goes on", || world.output("counts", "stdout").len() > seen);
    let output = world.output("counts", "stdout");
    assert!(is_contiguous(&output), "{}", String::from_utf8_lossy(&output));
}

#[test]
fn a_killed_logger_is_replaced_at_once() {
    let world = World::started();
    counts(&world);
    for _ in 0..3 {
        let logger = world.logger_pid().unwrap();
        kill(logger);
        eventually("another logger is there", || world.logger_pid().is_some_and(|pid| pid != logger));
        output_goes_on(&world);
    }
}

#[test]
fn output_goes_on_without_a_monitor_and_after_both_were_killed() {
    let world = World::started();
    counts(&world);
    let pid = world.pid_of("counts");
    world.kill_monitor();
    output_goes_on(&world);
    let logger = world.logger_pid().unwrap();
    kill(logger);
    eventually("nobody reads", || !is_alive(logger));
    world.start();
    output_goes_on(&world);
    world.kill_monitor();
    world.logger_pid().into_iter().for_each(kill);
    world.start();
    output_goes_on(&world);
    assert_eq!((world.pid_of("counts"), &world.status("counts")["restartAttempts"]), (pid, &0.into()));
}
