//! From `run` to `remove`.

use crate::harness::{World, eventually, is_alive, kill};

#[test]
fn a_killed_program_comes_back_and_is_counted() {
    let world = World::new();
    world.ok(&["run", "--name", "web", "--backoff", "0s", "--", "sleep", "1000"]);
    let first = world.pid_of("web").unwrap();
    kill(first);
    let second = world.wait_for_new_pid("web", first);
    let status = world.status("web");
    assert_eq!(status["restartAttempts"], 1);
    assert_eq!(status["lastExit"]["signal"], "SIGKILL");
    assert_eq!(status["lastExit"]["reason"], "signaled");
    assert!(is_alive(second));
}

#[test]
fn stop_start_disable_enable_remove() {
    let world = World::new();
    world.ok(&["run", "--name", "web", "--", "sleep", "1000"]);
    let first = world.pid_of("web").unwrap();
    world.ok(&["stop", "web"]);
    assert!(!is_alive(first));
    assert_eq!(world.state_of("web"), "stopped");

    world.ok(&["start", "web"]);
    assert_eq!(world.state_of("web"), "running");
    world.ok(&["disable", "web"]);
    assert_eq!(world.state_of("web"), "disabled");
    let refused = world.say(["start", "web"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("disabled") && refused.stderr.contains("enable"), "{}", refused.stderr);

    world.ok(&["enable", "web"]);
    assert_eq!(world.state_of("web"), "stopped");
    world.ok(&["remove", "web"]);
    assert_eq!(world.say(["status", "web"]).code, Some(4));
}

#[test]
fn stopping_the_monitor_stops_everything_and_autostart_brings_it_back() {
    let world = World::new();
    world.ok(&["run", "--name", "auto", "--", "sleep", "1000"]);
    world.ok(&["run", "--name", "manual", "--no-autostart", "--", "sleep", "1000"]);
    world.ok(&["--stop"]);
    eventually("nothing runs", || world.processes().is_empty());

    world.start();
    world.wait_for_state("auto", "running");
    assert_eq!(world.state_of("manual"), "stopped");
    assert_eq!(world.status("auto")["restartAttempts"], 0, "a new start is no crash");
}

#[test]
fn nobody_is_at_work_in_the_folder_once_the_monitor_is_stopped() {
    let world = World::new();
    assert_eq!(world.start_with_failpoint("logger::leave=sleep(500)").code, Some(0));
    world.ok(&["run", "--name", "web", "--", "sleep", "1000"]);
    world.ok(&["--stop"]);
    assert_eq!(world.processes(), Vec::<u32>::new(), "the logger is still there");
    assert_eq!(world.files_of_runs(), Vec::<std::ffi::OsString>::new());
}

/// The run ends before the logger has answered, and the monitor is gone before it hears that all is copied.
#[test]
fn nothing_is_left_in_the_folder_however_short_the_last_run_was() {
    let world = World::new();
    let late = "remember::before_line=sleep(300);link::closed=sleep(300)";
    assert_eq!(world.start_with_failpoint(late).code, Some(0));
    world.ok(&["run", "--name", "web", "--", "sleep", "1000"]);
    world.ok(&["--stop"]);
    assert_eq!(world.files_of_runs(), Vec::<std::ffi::OsString>::new());
}

#[test]
fn restarting_the_monitor_stops_nothing() {
    let world = World::new();
    world.ok(&["run", "--name", "web", "--backoff", "0s", "--", "sleep", "1000"]);
    let pid = world.pid_of("web").unwrap();
    world.ok(&["--restart"]);
    assert_eq!(world.pid_of("web"), Some(pid));
    kill(pid);
    world.wait_for_new_pid("web", pid);
    assert_eq!(world.status("web")["lastExit"]["signal"], "SIGKILL", "it is still our child");
}

#[test]
fn a_stop_that_cannot_save_the_registry_says_so() {
    let world = World::started();
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    world.save("{ this is broken");
    let said = world.say(["--stop"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let registry = world.registry().display().to_string();
    assert!(said.stderr.contains("could not be saved") && said.stderr.contains(&registry), "{said:?}");
    assert!(world.processes().is_empty(), "everything is stopped all the same");
    assert_eq!(std::fs::read_to_string(world.registry()).unwrap(), "{ this is broken");
}
