//! SPEC 4.2: what follows an exit, and when.

use crate::desk::{Desk, entry, id, wall, with_policy, with_stop};
use process_monitor_core::engine::Command;
use process_monitor_core::exit::{Exit, ExitReason};
use process_monitor_core::model::ProcessState::{
    self, Crashed, Failed, Retrying, Running, Starting, Stopped,
};
use process_monitor_core::model::{ProcessEntry, RestartPolicy, RestartType, StopConfig};
use std::sync::Arc;

fn policy() -> RestartPolicy {
    RestartPolicy::default()
}

/// It exits and is up again after exactly `wait` milliseconds.
fn returns_after(desk: &mut Desk, wait: u64) {
    desk.exits(Exit::Code(1));
    desk.log();
    if wait > 0 {
        desk.pass(wait - 1);
        assert_eq!((desk.log().as_str(), desk.state()), ("", Crashed), "too early");
        desk.pass(1);
        assert!(desk.log().starts_with("record"), "too late");
    }
    assert_eq!(desk.state(), Starting);
    desk.spawned(101);
}

#[test]
fn the_waits_of_the_list_then_failed() {
    let mut desk = Desk::running(entry());
    for wait in [1000, 2000, 5000, 5000, 5000] {
        returns_after(&mut desk, wait);
    }
    assert_eq!(desk.attempts(), 5);
    desk.log();
    desk.exits(Exit::Signal(11));
    assert_eq!(desk.log(), "running>failed");
    assert_eq!(
        desk.message(),
        "ended with signal 11 (SIGSEGV); given up after 5 restarts; mend that, then start it again"
    );
    desk.pass(100_000_000);
    assert_eq!(desk.log(), "");
}

#[test]
fn the_waits_of_the_exponential_form() {
    let policy = RestartPolicy {
        max_attempts: 9,
        delay_ms: Some(100),
        backoff_multiplier: Some(3.0),
        max_delay_ms: Some(1000),
        ..policy()
    };
    let mut desk = Desk::running(with_policy(policy));
    for wait in [100, 300, 900, 1000, 1000] {
        returns_after(&mut desk, wait);
    }
}

#[test]
fn no_backoff_restarts_at_once() {
    let mut desk = Desk::running(with_policy(RestartPolicy { backoff_intervals_ms: vec![], ..policy() }));
    desk.exits(Exit::Code(1));
    assert_eq!(desk.log(), "running>crashed, record 1, spawn, crashed>starting");
}

#[test]
fn a_failed_spawn_counts_as_a_crash() {
    let mut desk = Desk::with(with_policy(RestartPolicy { max_attempts: 2, ..policy() }));
    desk.start();
    for (attempts, wait) in [(1, 1000), (2, 2000)] {
        desk.spawn_fails("no such file");
        assert_eq!((desk.state(), desk.attempts()), (Crashed, attempts));
        assert_eq!(desk.view().entry.last_exit.clone().unwrap().reason, ExitReason::StartFailed);
        desk.pass(wait);
    }
    desk.spawn_fails("no such file");
    assert_eq!(
        (desk.state(), desk.message().as_str()),
        (Failed, "no such file; given up after 2 restarts; mend that, then start it again")
    );
}

#[test]
fn a_start_that_fails_is_not_tried_again_at_full_speed() {
    let eager = RestartPolicy { max_attempts: u32::MAX, backoff_intervals_ms: Vec::new(), ..policy() };
    let mut desk = Desk::with(with_policy(eager));
    desk.start();
    let fails_for = |desk: &mut Desk, wait: u64| {
        desk.spawn_fails("out of descriptors");
        desk.log();
        desk.pass(wait - 1);
        assert_eq!((desk.log().as_str(), desk.state()), ("", Crashed), "sooner than after {wait} ms");
        desk.pass(1);
        assert_eq!(desk.state(), Starting, "later than after {wait} ms");
    };
    for wait in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
        fails_for(&mut desk, wait);
    }
    // What ran and crashed keeps its policy, and the count of failures begins anew.
    desk.spawned(101);
    returns_after(&mut desk, 0);
    desk.exits(Exit::Code(1));
    fails_for(&mut desk, 100);
    fails_for(&mut desk, 200);
    // So it does when somebody starts it.
    desk.spawn_fails("out of descriptors");
    desk.start();
    assert_eq!(desk.state(), Starting);
    fails_for(&mut desk, 100);
}

#[test]
fn the_retry_of_a_start_that_fails_is_no_sooner_either() {
    let policy =
        RestartPolicy { max_attempts: 0, retry_indefinitely: true, indefinite_interval_ms: 10, ..policy() };
    let mut desk = Desk::with(with_policy(policy));
    desk.start();
    for wait in [100, 200] {
        desk.spawn_fails("no such file");
        desk.pass(wait - 1);
        assert_eq!(desk.state(), Retrying);
        desk.pass(1);
        assert_eq!(desk.state(), Starting);
    }
}

#[test]
fn when_attempts_are_used_up_it_may_be_retried_for_good() {
    let policy = RestartPolicy { max_attempts: 0, retry_indefinitely: true, ..policy() };
    let mut desk = Desk::running(with_policy(policy));
    for _ in 0..3 {
        desk.exits(Exit::Code(1));
        assert_eq!(desk.state(), Retrying);
        desk.pass(21_600_000 - 1);
        assert_eq!(desk.state(), Retrying);
        desk.pass(1);
        assert_eq!((desk.state(), desk.attempts()), (Starting, 0));
        desk.spawned(101);
    }
}

#[test]
fn which_exits_each_type_restarts() {
    use RestartType::{Always, Never, OnFailure};
    let codes = Some(vec![0, 3]);
    let table = [
        (Always, None, Exit::Code(0), Crashed, "running>crashed"),
        (OnFailure, None, Exit::Code(0), Stopped, "running>stopped"),
        (OnFailure, None, Exit::Code(3), Crashed, "running>crashed"),
        (OnFailure, codes.clone(), Exit::Code(3), Stopped, "running>stopped"),
        (OnFailure, None, Exit::Signal(9), Crashed, "running>crashed"),
        (OnFailure, None, Exit::Unknown, Crashed, "running>crashed"),
        (Never, None, Exit::Code(0), Stopped, "running>stopped"),
        (Never, codes, Exit::Code(3), Stopped, "running>stopped"),
        (Never, None, Exit::Code(1), Failed, "running>failed"),
    ];
    for (kind, success_exit_codes, exit, state, log) in table {
        let mut desk = Desk::running(with_policy(RestartPolicy { kind, success_exit_codes, ..policy() }));
        desk.exits(exit);
        assert_eq!((desk.state(), desk.log().as_str()), (state, log), "{kind:?} {exit:?}");
    }
}

#[test]
fn attempts_return_to_zero_after_running_long_enough() {
    let mut desk = Desk::running(entry());
    returns_after(&mut desk, 1000);
    desk.pass(299_999);
    assert_eq!(desk.attempts(), 1);
    desk.pass(1);
    assert_eq!(desk.attempts(), 0);
    returns_after(&mut desk, 1000);
}

#[test]
fn a_manual_start_resets_attempts() {
    let crashed_twice = || {
        let mut desk = Desk::running(entry());
        returns_after(&mut desk, 1000);
        returns_after(&mut desk, 2000);
        desk
    };
    let mut desk = crashed_twice();
    desk.start();
    assert_eq!(desk.attempts(), 0, "start while running");
    let mut desk = crashed_twice();
    desk.restart();
    assert_eq!(desk.attempts(), 0, "restart");
    let mut desk = crashed_twice();
    desk.exits(Exit::Code(1));
    desk.start();
    desk.spawned(102);
    assert_eq!(desk.attempts(), 0, "start while crashed");
    returns_after(&mut desk, 1000);
}

#[test]
fn what_is_left_of_the_tree_is_cleared_before_the_restart() {
    let mut desk = Desk::running(entry());
    desk.exits_leaving_workers(Exit::Code(1));
    assert_eq!(desk.log(), "clear, running>crashed");
    desk.pass(700);
    desk.cleared();
    desk.pass(299);
    assert_eq!(desk.log(), "");
    desk.pass(1);
    assert_eq!(desk.log(), "record 1, spawn, crashed>starting", "the backoff counts from the exit");

    let mut desk = Desk::running(entry());
    desk.exits_leaving_workers(Exit::Code(1));
    desk.pass(4_000);
    assert_eq!(desk.log(), "clear, running>crashed", "however long it takes");
    desk.cleared();
    assert_eq!(desk.log(), "record 1, spawn, crashed>starting");
}

#[test]
fn a_tree_that_does_not_go_is_cleared_again() {
    let mut desk = Desk::running(entry());
    desk.exits_leaving_workers(Exit::Code(1));
    desk.log();
    desk.pass(15_000);
    assert_eq!(desk.log(), "clear, clear, clear");
    desk.stop();
    desk.pass(5_000);
    assert_eq!(desk.log(), "crashed>stopping, clear");
    desk.cleared();
    assert_eq!(desk.log(), "stopping>stopped, #2 stopped");
}

#[test]
fn a_start_while_the_tree_is_cleared_waits_for_it() {
    let mut desk = Desk::running(entry());
    desk.exits_leaving_workers(Exit::Code(1));
    desk.start_and_wait();
    assert_eq!(desk.log(), "clear, running>crashed, crashed>stopping");
    desk.cleared();
    assert_eq!(desk.log(), "record 0, spawn, stopping>starting");
    desk.spawned(101);
    assert_eq!(desk.log(), "starting>running, #2 running");
}

#[test]
fn a_tree_that_is_to_be_spared_is_spared() {
    let stop = StopConfig { kill_tree: false, ..StopConfig::default() };
    let mut desk = Desk::running(with_stop(stop));
    desk.exits_leaving_workers(Exit::Code(1));
    assert_eq!(desk.log(), "running>crashed");
    desk.pass(1_000);
    assert_eq!(desk.state(), Starting);
}

#[test]
fn an_end_for_good_clears_the_tree_too() {
    for (kind, expected) in [(RestartType::OnFailure, Stopped), (RestartType::Never, Failed)] {
        let mut desk = Desk::running(with_policy(RestartPolicy { kind, ..policy() }));
        let exit = if expected == Failed { Exit::Code(1) } else { Exit::Code(0) };
        desk.exits_leaving_workers(exit);
        assert_eq!(desk.log(), "clear, running>stopping");
        desk.cleared();
        assert_eq!(desk.state(), expected);
    }
}

#[test]
fn what_is_shown_of_a_wait_and_of_an_exit() {
    let mut desk = Desk::running(entry());
    assert_eq!((desk.state(), desk.view().up_since), (Running, Some(wall(0))));
    desk.pass(500);
    desk.exits(Exit::Code(7));
    let view = desk.view();
    assert_eq!((view.due, view.up_since, view.run), (Some(wall(1_500)), None, None));
    assert_eq!(view.message.as_deref(), Some("ended with exit code 7; restart 1 of 5"));
    let exit = view.entry.last_exit.clone().unwrap();
    assert_eq!((exit.code, exit.at, exit.reason), (Some(7), wall(500), ExitReason::Exited));
    assert_eq!((view.entry.pid, view.entry.last_stopped_at), (None, Some(wall(500))));
}

#[test]
fn a_new_policy_applies_to_the_next_exit() {
    let mut desk = Desk::running(entry());
    let edited = RestartPolicy { backoff_intervals_ms: vec![50], ..policy() };
    desk.command(Command::Configure(Arc::new(ProcessEntry { restart_policy: Some(edited), ..entry() })));
    returns_after(&mut desk, 50);
    assert_eq!(desk.engine.entry(&id()).map(|entry| entry.state), Some(ProcessState::Running));
}

#[test]
fn what_a_stranger_registered_is_not_started_without_end() {
    let eager = RestartPolicy { max_attempts: u32::MAX, backoff_intervals_ms: Vec::new(), ..policy() };
    returns_after(&mut Desk::running(with_policy(eager.clone())), 0);
    let entry = ProcessEntry { untrusted_peer: Some("203.0.113.9".to_owned()), ..with_policy(eager) };
    let mut desk = Desk::running(entry);
    for _ in 0..3 {
        returns_after(&mut desk, 1000);
    }
}
