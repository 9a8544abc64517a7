//! SPEC 4.4, as far as the engine decides it: how a process is brought down.

use crate::desk::{Desk, entry, with_stop};
use process_monitor_core::exit::{Exit, ExitReason};
use process_monitor_core::model::{StopConfig, StopSignal};

fn stop(signal: StopSignal, kill_tree: bool) -> StopConfig {
    StopConfig { signal, timeout_ms: 2_000, kill_tree, ..StopConfig::default() }
}

#[test]
fn what_ignores_the_signal_is_killed_after_the_timeout_and_every_five_seconds_again() {
    let mut desk = Desk::running(with_stop(stop(StopSignal::Int, true)));
    desk.stop();
    assert_eq!(desk.log(), "SIGINT group, running>stopping");
    desk.pass(1_999);
    assert_eq!(desk.log(), "");
    desk.pass(1);
    assert_eq!(desk.log(), "kill tree");
    desk.pass(4_999);
    assert_eq!(desk.log(), "");
    desk.pass(5_001);
    assert_eq!(desk.log(), "kill tree, kill tree");
    desk.exits(Exit::Signal(9));
    assert_eq!(desk.log(), "stopping>stopped, #2 stopped");
    assert_eq!(desk.view().entry.last_exit.clone().map(|exit| exit.reason), Some(ExitReason::Stopped));
}

#[test]
fn a_second_stop_does_not_put_the_kill_off() {
    let mut desk = Desk::running(with_stop(stop(StopSignal::Term, true)));
    desk.stop();
    desk.pass(1_500);
    desk.stop();
    desk.log();
    desk.pass(500);
    assert_eq!(desk.log(), "kill tree");
}

#[test]
fn sigkill_as_stop_signal_is_a_kill_of_the_tree_at_once() {
    let mut desk = Desk::running(with_stop(stop(StopSignal::Kill, true)));
    desk.stop();
    assert_eq!(desk.log(), "kill tree, running>stopping");
    desk.pass(5_000);
    assert_eq!(desk.log(), "kill tree");
}

#[test]
fn without_kill_tree_only_the_process_itself_is_stopped() {
    let mut desk = Desk::running(with_stop(stop(StopSignal::Term, false)));
    desk.stop();
    desk.pass(2_000);
    assert_eq!(desk.log(), "SIGTERM leader, running>stopping, kill leader");
    desk.exits_leaving_workers(Exit::Signal(9));
    assert_eq!(desk.log(), "stopping>stopped, #2 stopped");
}

#[test]
fn a_stop_ends_when_the_tree_is_gone() {
    let mut desk = Desk::running(entry());
    desk.stop();
    desk.log();
    desk.exits_leaving_workers(Exit::Code(0));
    assert_eq!(desk.log(), "clear");
    assert_eq!(desk.view().entry.pid, None, "it has ended");
    desk.pass(5_000);
    assert_eq!(desk.log(), "clear");
    desk.cleared();
    assert_eq!(desk.log(), "stopping>stopped, #2 stopped");
}

#[test]
fn a_restart_waits_for_the_tree() {
    let mut desk = Desk::running(entry());
    desk.restart();
    desk.exits_leaving_workers(Exit::Code(0));
    assert_eq!(desk.log(), "SIGTERM group, running>stopping, clear");
    desk.cleared();
    assert_eq!(desk.log(), "record 0, spawn, stopping>starting");
}

#[test]
fn the_timeout_counts_from_when_there_is_a_process_to_stop() {
    let mut desk = Desk::with(with_stop(stop(StopSignal::Term, true)));
    desk.start();
    desk.stop();
    desk.pass(1_900);
    desk.spawned(7);
    desk.log();
    desk.pass(1_999);
    assert_eq!(desk.log(), "");
    desk.pass(1);
    assert_eq!(desk.log(), "kill tree");
}
