//! Who waits for a run to end, and changes of a configuration.

use crate::desk::{Desk, entry, id, with_policy};
use process_monitor_core::engine::{Command, Event, Ticket, Wait};
use process_monitor_core::exit::Exit;
use process_monitor_core::model::{EntryPatch, ProcessState, RestartPolicy, RestartType};
use serde_json::{Value, json};

impl Desk {
    /// Somebody waits for the end of the run that a start leads to.
    fn start_and_wait_for_exit(&mut self) {
        self.exits_told = true;
        self.command(Command::Start { id: id(), wait: Wait::Exit });
    }

    fn change(&mut self, patch: &Value) {
        let patch = EntryPatch(patch.as_object().unwrap().clone());
        self.command(Command::Change { id: id(), patch, untrusted_peer: None });
    }
}

fn once() -> RestartPolicy {
    RestartPolicy { kind: RestartType::Never, ..RestartPolicy::default() }
}

#[test]
fn the_end_of_a_run_is_told_with_how_it_ended() {
    let mut desk = Desk::with(with_policy(once()));
    desk.start_and_wait_for_exit();
    desk.spawned(100);
    assert_eq!(desk.log(), "record 0, spawn, stopped>starting, starting>running");
    desk.exits(Exit::Code(0));
    assert_eq!(desk.log(), "running>stopped, #1 stopped after code 0");
}

#[test]
fn the_end_of_a_run_is_told_though_another_follows() {
    let mut desk = Desk::running(entry());
    desk.start_and_wait_for_exit();
    assert_eq!(desk.log(), "");
    desk.exits(Exit::Code(3));
    assert_eq!(desk.log(), "running>crashed, #2 crashed after code 3");
    desk.pass(1_000);
    desk.spawned(101);
    desk.exits(Exit::Code(4));
    assert!(!desk.log().contains('#'));
}

#[test]
fn the_end_of_a_run_is_when_its_tree_is_gone() {
    let mut desk = Desk::running(with_policy(once()));
    desk.start_and_wait_for_exit();
    desk.exits_leaving_workers(Exit::Code(0));
    assert_eq!(desk.log(), "clear, running>stopping");
    desk.cleared();
    assert_eq!(desk.log(), "stopping>stopped, #2 stopped after code 0");
}

#[test]
fn a_stop_ends_the_wait_and_its_own() {
    let mut desk = Desk::running(entry());
    desk.start_and_wait_for_exit();
    desk.stop();
    desk.log();
    desk.exits(Exit::Signal(15));
    assert_eq!(desk.log(), "stopping>stopped, #2 stopped after SIGTERM, #3 stopped after SIGTERM");
}

#[test]
fn a_restart_that_waits_for_exit_waits_for_the_new_run() {
    let mut desk = Desk::running(entry());
    desk.start_and_wait_for_exit();
    desk.command(Command::Restart { id: id(), wait: Wait::Exit });
    desk.exits(Exit::Signal(15));
    assert!(desk.log().ends_with("stopping>starting, #2 starting after SIGTERM"));
    desk.spawned(101);
    desk.log();
    desk.exits(Exit::Code(1));
    assert_eq!(desk.log(), "running>crashed, #3 crashed after code 1");
}

#[test]
fn a_removal_ends_the_wait() {
    let mut desk = Desk::running(entry());
    desk.start_and_wait_for_exit();
    desk.command(Command::Remove(id()));
    desk.log();
    desk.exits(Exit::Signal(15));
    assert_eq!(desk.log(), "forget, #2 stopped after SIGTERM, #3 stopped after SIGTERM");
}

#[test]
fn a_shutdown_ends_the_wait() {
    let mut desk = Desk::running(entry());
    desk.start_and_wait_for_exit();
    desk.command(Command::Restart { id: id(), wait: Wait::Exit });
    desk.send(Event::Shutdown);
    desk.log();
    desk.exits(Exit::Signal(15));
    assert_eq!(
        desk.log(),
        "stopping>stopped, #2 stopped after SIGTERM, #3 refused: web did not start: it is stopped now, finished"
    );
}

#[test]
fn a_run_that_never_began_is_told_as_such() {
    let mut desk = Desk::with(with_policy(once()));
    desk.start_and_wait_for_exit();
    desk.spawn_fails("no such file");
    assert!(desk.log().contains("#1 refused: web did not start: no such file"));

    let mut desk = Desk::with(entry());
    desk.start_and_wait_for_exit();
    desk.stop();
    desk.spawn_fails("no such file");
    assert!(desk.log().contains("#1 refused: web did not start: no such file"));

    // A start that is to follow a stop, and is overtaken by another stop.
    let mut desk = Desk::running(entry());
    desk.stop();
    desk.start_and_wait_for_exit();
    desk.stop();
    desk.exits(Exit::Signal(15));
    assert!(desk.log().contains("#3 refused: web did not start: it is stopped now"));
}

#[test]
fn while_a_tree_is_cleared_the_next_run_is_waited_for() {
    let mut desk = Desk::running(entry());
    desk.exits_leaving_workers(Exit::Code(1));
    desk.start_and_wait_for_exit();
    desk.cleared();
    desk.spawned(101);
    assert!(!desk.log().contains("#2"));
    desk.exits(Exit::Code(2));
    assert_eq!(desk.log(), "running>crashed, #2 crashed after code 2");
}

#[test]
fn many_wait_and_each_is_told_once_unless_he_went_away() {
    let mut desk = Desk::running(entry());
    for _ in 0..1_000 {
        desk.start_and_wait_for_exit();
    }
    for ticket in (2..=1_001).step_by(2) {
        desk.send(Event::Abandoned { id: id(), ticket: Ticket(ticket) });
    }
    desk.exits(Exit::Code(3));
    let log = desk.log();
    assert_eq!(log.matches("crashed after code 3").count(), 500);
    assert!(log.contains("#3 ") && !log.contains("#4 "));
    desk.send(Event::Abandoned { id: id(), ticket: Ticket(3) });
    assert_eq!(desk.log(), "");
}

#[test]
fn a_change_says_which_fields_take_a_restart_until_there_was_one() {
    let mut desk = Desk::running(entry());
    desk.change(&json!({"args": ["1"], "name": "Web"}));
    assert_eq!(desk.log(), "#2 running, restart for args");
    // Still, though this change alone would take none.
    desk.change(&json!({"autostart": false}));
    assert_eq!(desk.log(), "#3 running, restart for args");
    desk.change(&json!({"args": null}));
    assert_eq!(desk.log(), "#4 running");
    desk.change(&json!({"args": ["2"]}));
    desk.restart();
    desk.exits(Exit::Signal(15));
    desk.spawned(101);
    desk.log();
    desk.change(&json!({}));
    assert_eq!(desk.log(), "#7 running");
    let now = desk.view().entry;
    assert_eq!((now.args.clone(), now.name.as_str(), now.autostart), (vec!["2".to_owned()], "Web", false));
}

#[test]
fn a_change_of_what_does_not_run_takes_no_restart() {
    let mut desk = Desk::with(entry());
    desk.change(&json!({"args": ["1"]}));
    assert_eq!(desk.log(), "#1 stopped");
}

#[test]
fn changes_add_up_and_one_that_cannot_be_obeyed_changes_nothing() {
    let mut desk = Desk::with(entry());
    desk.change(&json!({"environment": {"A": "1"}}));
    desk.change(&json!({"environment": {"B": "2"}}));
    desk.change(&json!({"environment": {"C": "3"}, "command": "", "pid": 1}));
    assert_eq!(
        desk.log(),
        "#1 stopped, #2 stopped, #3 refused: the change of web cannot be obeyed: \
         pid: the monitor alone writes this field; leave it out; \
         command: expected the name or path of an executable, found nothing"
    );
    let environment = desk.view().entry.environment.clone().unwrap();
    assert_eq!(environment.keys().collect::<Vec<_>>(), ["A", "B"]);
}

#[test]
fn a_change_may_disable() {
    let mut desk = Desk::running(entry());
    desk.change(&json!({"enabled": false}));
    assert_eq!(desk.log(), "SIGTERM group, running>stopping, #2 stopping");
    desk.exits(Exit::Signal(15));
    assert_eq!(desk.state(), ProcessState::Disabled);
}
