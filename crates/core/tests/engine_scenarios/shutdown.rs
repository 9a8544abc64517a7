//! The end of the monitor: SIGTERM, SIGINT, `--stop`.

use crate::desk::{Desk, entry, id, with_policy};
use process_monitor_core::engine::{Command, Event, Finding, Wait};
use process_monitor_core::exit::Exit;
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::model::{ProcessEntry, ProcessState, RestartPolicy};
use process_monitor_core::time::Wall;
use std::sync::Arc;

#[test]
fn with_nothing_up_it_is_finished_at_once_and_only_once() {
    let mut desk = Desk::with(entry());
    desk.send(Event::Shutdown);
    assert_eq!(desk.log(), "finished");
    desk.send(Event::Shutdown);
    assert_eq!(desk.log(), "");
}

#[test]
fn all_are_stopped_in_parallel() {
    let mut desk = Desk::running(entry());
    let other = ProcessEntry { id: ProcessId::new("db").unwrap(), ..entry() };
    desk.send(Event::Command(None, Command::Add(Arc::new(other.clone()))));
    let first = desk.run();
    desk.send(Event::Command(None, Command::Start { id: other.id.clone(), wait: Wait::Accepted }));
    let second = desk.run();
    desk.send(Event::Spawned { id: other.id.clone(), run: second.clone(), result: Ok(200) });
    desk.log();
    desk.send(Event::Shutdown);
    assert_eq!(desk.log(), "SIGTERM group, running>stopping, SIGTERM group, running>stopping");
    desk.send(Event::Exited { id: other.id, run: second, exit: Exit::Code(0), leftover: false });
    assert_eq!(desk.log(), "stopping>stopped");
    desk.send(Event::Exited { id: id(), run: first, exit: Exit::Code(0), leftover: false });
    assert_eq!(desk.log(), "stopping>stopped, finished");
}

#[test]
fn what_hangs_is_killed() {
    let mut desk = Desk::running(entry());
    desk.send(Event::Shutdown);
    desk.pass(10_000);
    assert_eq!(desk.log(), "SIGTERM group, running>stopping, kill tree");
    desk.exits(Exit::Signal(9));
    assert_eq!(desk.log(), "stopping>stopped, finished");
}

#[test]
fn it_cancels_pending_restarts() {
    let mut desk = Desk::running(entry());
    desk.exits(Exit::Code(1));
    desk.log();
    desk.send(Event::Shutdown);
    assert_eq!(desk.log(), "crashed>stopped, finished");
    desk.pass(100_000);
    assert_eq!(desk.log(), "");

    let mut desk = Desk::running(entry());
    desk.restart();
    desk.log();
    desk.send(Event::Shutdown);
    desk.exits(Exit::Code(0));
    assert_eq!(desk.log(), "stopping>stopped, #2 refused: web did not start: it is stopped now, finished");
}

#[test]
fn it_waits_for_a_spawn_under_way() {
    let mut desk = Desk::with(entry());
    desk.start();
    desk.log();
    desk.send(Event::Shutdown);
    assert_eq!(desk.log(), "starting>stopping");
    desk.spawned(7);
    assert_eq!(desk.log(), "SIGTERM group");
    desk.exits(Exit::Code(0));
    assert_eq!(desk.log(), "stopping>stopped, finished");
}

#[test]
fn it_finishes_a_removal() {
    let mut desk = Desk::running(entry());
    desk.command(Command::Remove(id()));
    desk.send(Event::Shutdown);
    desk.log();
    desk.exits(Exit::Code(0));
    assert_eq!(desk.log(), "forget, #2 stopped, finished");
}

#[test]
fn commands_are_refused_from_then_on() {
    let mut desk = Desk::running(entry());
    desk.send(Event::Shutdown);
    desk.log();
    let new = ProcessEntry::new(ProcessId::new("new").unwrap(), "/bin/new");
    for command in [
        Command::Start { id: id(), wait: Wait::Accepted },
        Command::Stop(id()),
        Command::Add(Arc::new(new)),
        Command::Remove(id()),
        Command::Start { id: ProcessId::new("none").unwrap(), wait: Wait::Ready },
    ] {
        desk.command(command);
        assert!(desk.log().contains("refused: the monitor is stopping"));
    }
    assert_eq!(desk.state(), ProcessState::Stopping);
}

/// The monitor is told to end while it still comes up.
#[test]
fn what_is_found_after_it_is_taken_down() {
    let run = RunId::new("old-1").unwrap();
    let at = Wall::default();
    let alive = Finding::Alive {
        run: run.clone(),
        pid: 100,
        started: at,
        attempts: 0,
        main_known: false,
        heard: false,
    };
    let ended = Finding::Ended {
        run: run.clone(),
        pid: 100,
        exit: Exit::Code(1),
        started: at,
        at,
        attempts: 0,
        main_known: false,
    };
    let at_once = RestartPolicy { backoff_intervals_ms: vec![], ..RestartPolicy::default() };
    for (finding, expected) in [
        (alive, "stopped>running, SIGTERM group, running>stopping"),
        (ended, "clear, stopped>crashed, crashed>stopping"),
        (Finding::NotStarted { run, attempts: 0 }, ""),
        (Finding::Nothing, ""),
    ] {
        let mut desk = Desk::with(ProcessEntry { id: ProcessId::new("db").unwrap(), ..entry() });
        desk.send(Event::Shutdown);
        desk.log();
        let entry = ProcessEntry { state: ProcessState::Running, ..with_policy(at_once.clone()) };
        desk.send(Event::Found { entry: Arc::new(entry), continuing: true, finding });
        assert_eq!(desk.log(), expected);
        desk.pass(100);
        assert_eq!(desk.log(), "");
    }
}
