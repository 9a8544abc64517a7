//! SPEC 4.1: what each command does in each state.

use crate::desk::{Desk, entry, id, with_policy};
use process_monitor_core::engine::{Action, Command, Engine, Event, Ticket, Wait};
use process_monitor_core::exit::Exit;
use process_monitor_core::model::ProcessState::{
    self, Crashed, Disabled, Failed, Retrying, Running, Stopped,
};
use process_monitor_core::model::{ProcessEntry, RestartPolicy, RestartType, StopSignal};
use process_monitor_core::time::{Mono, Now, Wall};
use std::sync::Arc;

fn crashed() -> Desk {
    let mut desk = Desk::running(entry());
    desk.exits(Exit::Code(1));
    assert_eq!(desk.state(), Crashed);
    desk.log();
    desk
}

fn retrying() -> Desk {
    let policy = RestartPolicy { max_attempts: 0, retry_indefinitely: true, ..RestartPolicy::default() };
    let mut desk = Desk::running(with_policy(policy));
    desk.exits(Exit::Code(1));
    assert_eq!(desk.state(), Retrying);
    desk.log();
    desk
}

fn failed() -> Desk {
    let policy = RestartPolicy { kind: RestartType::Never, ..RestartPolicy::default() };
    let mut desk = Desk::running(with_policy(policy));
    desk.exits(Exit::Code(1));
    assert_eq!(desk.state(), Failed);
    desk.log();
    desk
}

#[test]
fn a_start_is_recorded_then_spawned() {
    let mut desk = Desk::with(entry());
    desk.start();
    assert_eq!(desk.log(), "record 0, spawn, stopped>starting, #1 starting");
    desk.spawned(7);
    assert_eq!(desk.log(), "starting>running");
    assert_eq!((desk.view().entry.pid, desk.view().run), (Some(7), Some(desk.run())));
}

#[test]
fn a_start_that_waits_is_answered_when_it_is_up_or_known_not_to_come_up() {
    let mut desk = Desk::with(entry());
    desk.start_and_wait();
    desk.start_and_wait();
    desk.log();
    desk.spawned(7);
    assert_eq!(desk.log(), "starting>running, #1 running, #2 running");

    let mut desk = Desk::with(entry());
    desk.start_and_wait();
    desk.log();
    desk.spawn_fails("/opt/x/run: permission denied");
    assert_eq!(
        desk.log(),
        "starting>crashed, #1 refused: web did not start: /opt/x/run: permission denied; restart 1 of 5"
    );
    assert!(desk.message().starts_with("/opt/x/run: permission denied"));
}

#[test]
fn a_start_is_refused_while_disabled() {
    let mut desk = Desk::with(ProcessEntry { enabled: false, ..entry() });
    for command in
        [Command::Start { id: id(), wait: Wait::Ready }, Command::Restart { id: id(), wait: Wait::Accepted }]
    {
        desk.command(command);
        assert!(desk.log().contains("refused: web is disabled"));
    }
    assert_eq!(desk.state(), Disabled);
}

#[test]
fn a_start_of_what_starts_or_runs_succeeds_and_does_nothing() {
    let mut desk = Desk::with(entry());
    desk.start();
    desk.log();
    desk.start();
    assert_eq!(desk.log(), "#2 starting");
    desk.spawned(7);
    desk.log();
    desk.start_and_wait();
    assert_eq!(desk.log(), "#3 running");
}

#[test]
fn a_start_does_not_wait_for_what_was_pending() {
    for (mut desk, expected) in [
        (crashed(), "record 0, spawn, crashed>starting, #2 starting"),
        (retrying(), "record 0, spawn, retrying>starting, #2 starting"),
        (failed(), "record 0, spawn, failed>starting, #2 starting"),
    ] {
        desk.start();
        assert_eq!(desk.log(), expected);
    }
}

#[test]
fn a_stop_is_answered_when_it_is_down() {
    let mut desk = Desk::running(entry());
    desk.stop();
    assert_eq!(desk.log(), "SIGTERM group, running>stopping");
    desk.exits(Exit::Code(0));
    assert_eq!(desk.log(), "stopping>stopped, #2 stopped");
    desk.pass(1_000_000);
    assert_eq!(desk.log(), "", "a stop is not a crash");
}

#[test]
fn a_stop_cancels_what_was_pending() {
    for (mut desk, from) in [(crashed(), "crashed"), (retrying(), "retrying"), (failed(), "failed")] {
        desk.stop();
        assert_eq!(desk.log(), format!("{from}>stopped, #2 stopped"));
        desk.pass(100_000_000);
        assert_eq!((desk.log().as_str(), desk.state()), ("", Stopped));
    }
}

#[test]
fn a_stop_waits_for_the_spawn_and_stops_what_came_of_it() {
    let mut desk = Desk::with(entry());
    desk.start_and_wait();
    desk.log();
    desk.stop();
    assert_eq!(desk.log(), "starting>stopping");
    desk.spawned(7);
    assert_eq!(desk.log(), "SIGTERM group");
    assert!(desk.view().entry.last_started_at.is_some());
    desk.exits(Exit::Signal(15));
    assert_eq!(desk.log(), "stopping>stopped, #1 refused: web did not start: it is stopped now, #2 stopped");
}

#[test]
fn a_stop_during_a_spawn_that_fails_is_done() {
    let mut desk = Desk::with(entry());
    desk.start();
    desk.stop();
    desk.log();
    desk.spawn_fails("no such file");
    assert_eq!(desk.log(), "stopping>stopped, #2 stopped");
    assert_eq!(desk.message(), "no such file");
}

#[test]
fn a_second_stop_joins_the_first() {
    let mut desk = Desk::running(entry());
    desk.stop();
    desk.log();
    desk.stop();
    assert_eq!(desk.log(), "");
    desk.exits(Exit::Code(0));
    assert_eq!(desk.log(), "stopping>stopped, #2 stopped, #3 stopped");
    desk.stop();
    assert_eq!(desk.log(), "#4 stopped");
}

#[test]
fn a_restart_stops_then_starts() {
    let mut desk = Desk::running(entry());
    desk.restart();
    assert_eq!(desk.log(), "SIGTERM group, running>stopping");
    desk.exits(Exit::Code(0));
    assert_eq!(desk.log(), "record 0, spawn, stopping>starting");
    desk.spawned(8);
    assert_eq!(desk.log(), "starting>running, #2 running");

    let mut desk = crashed();
    desk.restart();
    assert_eq!(desk.log(), "record 0, spawn, crashed>starting", "what is down is just started");
}

#[test]
fn a_restart_under_way_is_written_as_wanted_up() {
    let mut desk = Desk::running(entry());
    desk.restart();
    let written = desk.engine.entry(&id()).unwrap();
    assert_eq!((written.state, desk.state()), (ProcessState::Starting, ProcessState::Stopping));
    desk.stop();
    assert_eq!(desk.engine.entry(&id()).unwrap().state, ProcessState::Stopping);
}

#[test]
fn a_start_during_a_stop_starts_it_again_and_a_stop_takes_that_back() {
    let mut desk = Desk::running(entry());
    desk.stop();
    desk.start_and_wait();
    desk.stop();
    desk.log();
    desk.exits(Exit::Code(0));
    assert_eq!(
        desk.log(),
        "stopping>stopped, #2 stopped, #3 refused: web did not start: it is stopped now, #4 stopped"
    );
}

#[test]
fn disable_stops_and_enable_starts_nothing() {
    let mut desk = Desk::running(entry());
    desk.command(Command::Disable(id()));
    assert_eq!(desk.log(), "SIGTERM group, running>stopping");
    desk.start();
    assert!(desk.log().contains("#3 refused: web is disabled"));
    desk.exits(Exit::Code(0));
    assert_eq!(desk.log(), "stopping>disabled, #2 disabled");
    desk.command(Command::Enable(id()));
    assert_eq!(desk.log(), "disabled>stopped, #4 stopped");
    desk.pass(1_000_000);
    assert_eq!(desk.log(), "");
}

#[test]
fn enable_during_the_stop_of_a_disable_leaves_it_stopped() {
    let mut desk = Desk::running(entry());
    desk.command(Command::Disable(id()));
    desk.command(Command::Enable(id()));
    desk.log();
    desk.exits(Exit::Code(0));
    assert_eq!(desk.log(), "stopping>stopped, #2 stopped");
}

#[test]
fn remove_stops_first() {
    let mut desk = Desk::running(entry());
    desk.command(Command::Remove(id()));
    assert_eq!(desk.log(), "SIGTERM group, running>stopping");
    desk.start();
    desk.stop();
    assert!(desk.log().contains("#3 refused: web is being removed"));
    desk.exits(Exit::Code(0));
    assert_eq!(desk.log(), "forget, #2 stopped, #4 stopped");
    desk.start();
    assert!(desk.log().contains("refused: there is no process web"));
}

#[test]
fn who_waits_for_a_start_hears_of_a_removal() {
    let mut desk = Desk::with(entry());
    desk.start_and_wait();
    desk.command(Command::Remove(id()));
    desk.log();
    desk.spawn_fails("no such file");
    assert_eq!(desk.log(), "forget, #1 refused: web did not start: it was removed, #2 stopped");
}

#[test]
fn an_id_is_added_once() {
    let mut desk = Desk::with(entry());
    desk.command(Command::Add(Arc::new(entry())));
    assert!(desk.log().contains("refused: a process web is already registered"));
    desk.command(Command::Remove(id()));
    desk.command(Command::Add(Arc::new(ProcessEntry { enabled: false, ..entry() })));
    assert_eq!(desk.log(), "forget, #2 stopped, #3 disabled");
}

#[test]
fn a_new_configuration_is_used_by_the_next_run() {
    let mut desk = Desk::running(entry());
    let edited = Arc::new(ProcessEntry { command: "/bin/web2".to_owned(), ..entry() });
    desk.command(Command::Configure(edited));
    assert_eq!(desk.log(), "#2 running");
    assert_eq!((desk.view().entry.pid, desk.view().entry.command.as_str()), (Some(100), "/bin/web2"));
    desk.command(Command::Configure(Arc::new(ProcessEntry { enabled: false, ..entry() })));
    assert_eq!(desk.log(), "SIGTERM group, running>stopping, #3 stopping");
    desk.exits(Exit::Code(0));
    assert_eq!(desk.state(), Disabled);
}

/// What changes what is wanted is published as durable, before the answer.
#[test]
fn every_change_of_what_is_wanted_is_durable_before_the_answer() {
    let now = Now { mono: Mono::default(), wall: Wall::default(), dice: 0 };
    let commands = [
        Command::Add(Arc::new(entry())),
        Command::Start { id: id(), wait: Wait::Accepted },
        Command::Autostart(id(), false),
        Command::Configure(Arc::new(entry())),
        Command::Stop(id()),
        Command::Restart { id: id(), wait: Wait::Accepted },
        Command::Disable(id()),
        Command::Enable(id()),
        Command::Remove(id()),
    ];
    let mut engine = Engine::new("test");
    for (ticket, command) in (0..).zip(commands) {
        let actions = engine.handle(Event::Command(Some(Ticket(ticket)), command.clone()), now);
        let durable =
            actions.iter().position(|action| matches!(action, Action::Publish { durable: true, .. }));
        let reply = actions.iter().position(|action| matches!(action, Action::Reply(..)));
        assert!(durable.is_some(), "{command:?}: {actions:?}");
        assert!(reply.is_none() || durable < reply, "{command:?}: {actions:?}");
    }
}

#[test]
fn results_of_other_runs_change_nothing() {
    let mut desk = Desk::running(entry());
    let first = desk.run();
    desk.exits(Exit::Code(1));
    desk.pass(1_000);
    desk.log();
    let late = |result| Event::Spawned { id: id(), run: first.clone(), result };
    let exited = Event::Exited { id: id(), run: first.clone(), exit: Exit::Code(0), leftover: true };
    let cleared = Event::Cleared { id: id(), run: first.clone() };
    for event in [late(Ok(7)), late(Err("late".to_owned())), exited.clone(), cleared.clone()] {
        desk.send(event);
    }
    assert_eq!((desk.log().as_str(), desk.state()), ("", ProcessState::Starting));
    desk.spawned(8);
    desk.log();
    for event in [late(Ok(7)), exited, cleared] {
        desk.send(event);
    }
    assert_eq!((desk.log().as_str(), desk.state()), ("", Running));
}

#[test]
fn a_signal_goes_to_who_is_up_and_changes_nothing() {
    let signal = |group| Command::Signal { id: id(), signal: StopSignal::Hup, group };
    let mut desk = Desk::running(entry());
    desk.command(signal(false));
    desk.command(signal(true));
    assert_eq!(desk.log(), "SIGHUP leader, #2 running, SIGHUP group, #3 running");
    desk.exits(Exit::Code(0));
    desk.log();
    desk.command(signal(false));
    assert_eq!(desk.log(), "#4 refused: web does not run; start it first (`start web`)");
}
