//! Programs that go on as another process than the one that was started.

use crate::desk::{Desk, entry, id, wall};
use process_monitor_core::engine::{Event, Finding, NoMain};
use process_monitor_core::exit::{Exit, ExitReason};
use process_monitor_core::id::RunId;
use process_monitor_core::model::{AlivenessCheck, ProcessEntry, ProcessState, RestartPolicy, StartupCheck};
use process_monitor_core::notice::Notice;

fn with(check: AlivenessCheck) -> ProcessEntry {
    let check = AlivenessCheck { enabled: Some(true), ..check };
    let policy = RestartPolicy { backoff_intervals_ms: Vec::new(), ..RestartPolicy::default() };
    ProcessEntry { aliveness_check: Some(check.into()), restart_policy: Some(policy), ..entry() }
}

fn daemon() -> ProcessEntry {
    with(AlivenessCheck { pid_file: Some("a.pid".into()), ..AlivenessCheck::default() })
}

fn found(desk: &mut Desk, result: Result<u32, NoMain>) {
    desk.send(Event::MainFound { id: id(), run: desk.run(), result });
}

fn unknown(desk: &mut Desk, why: &str) {
    found(desk, Err(NoMain::Unknown(why.into())));
}

/// Its launcher has ended, and the daemon is looked for.
fn seeking() -> Desk {
    let mut desk = Desk::running(daemon());
    desk.exits_leaving_workers(Exit::Code(0));
    assert_eq!(desk.log(), "find main");
    assert_eq!((desk.state(), desk.view().entry.pid), (ProcessState::Starting, None));
    desk
}

#[test]
fn a_daemon_is_up_when_its_process_is_found() {
    let mut desk = Desk::with(daemon());
    desk.start_and_wait();
    desk.spawned(100);
    desk.exits_leaving_workers(Exit::Code(0));
    assert_eq!(desk.log(), "record 0, spawn, stopped>starting, find main");
    unknown(&mut desk, "no file");
    desk.pass(199);
    assert_eq!(desk.log(), "");
    desk.pass(1);
    assert_eq!(desk.log(), "find main");
    desk.pass(5_000);
    assert_eq!(desk.log(), "", "it is not asked twice at once");
    found(&mut desk, Ok(200));
    assert_eq!(desk.log(), "adopt 200, starting>running, #1 running");
    assert_eq!(desk.view().entry.pid, Some(200));
    // From now on its exit is an exit, whatever the code.
    desk.exits_leaving_workers(Exit::Code(0));
    assert_eq!(desk.log(), "clear, running>crashed");
}

#[test]
fn a_daemon_that_is_not_found_is_given_up() {
    let mut desk = seeking();
    unknown(&mut desk, "no file");
    desk.pass(31_999);
    unknown(&mut desk, "no file");
    desk.log();
    desk.pass(1);
    assert_eq!(desk.log(), "clear, starting>crashed");
    assert!(desk.message().contains("the process that goes on was not found: no file"), "{}", desk.message());
    assert_eq!(desk.view().entry.last_exit.clone().map(|exit| exit.reason), Some(ExitReason::StartFailed));
}

#[test]
fn nothing_is_left_to_be_found() {
    let mut desk = seeking();
    found(&mut desk, Err(NoMain::Gone));
    assert_eq!(desk.log(), "starting>crashed, record 1, spawn, crashed>starting");
}

#[test]
fn which_ends_of_a_launcher_are_just_ends() {
    let ended = |entry, leaving, code| {
        let mut desk = Desk::running(entry);
        if leaving {
            desk.exits_leaving_workers(Exit::Code(code))
        } else {
            desk.exits(Exit::Code(code))
        }
        desk.log().contains("find main")
    };
    assert!(ended(daemon(), true, 0));
    assert!(!ended(daemon(), true, 1));
    assert!(!ended(daemon(), false, 0));
    assert!(!ended(entry(), true, 0));
}

#[test]
fn one_that_stays_is_no_daemon() {
    let mut desk = Desk::running(daemon());
    assert_eq!(desk.state(), ProcessState::Starting);
    desk.pass(32_000);
    assert_eq!((desk.state(), desk.view().entry.pid), (ProcessState::Running, Some(100)));
}

#[test]
fn a_stop_does_not_wait_for_it() {
    let mut desk = seeking();
    desk.stop();
    assert_eq!(desk.log(), "clear, starting>stopping");
    found(&mut desk, Ok(200));
    desk.cleared();
    assert_eq!(desk.log(), "stopping>stopped, #2 stopped");
    let mut desk = seeking();
    desk.restart();
    desk.cleared();
    assert_eq!(desk.log(), "clear, starting>stopping, record 0, spawn, stopping>starting");
}

#[test]
fn a_status_url_is_asked_once() {
    let url = || Some("http://127.0.0.1:1/".to_owned());
    let startup = StartupCheck { enabled: true, initial_delay_ms: 0, ..StartupCheck::default() };
    let check = AlivenessCheck {
        url: url(),
        status_url: url(),
        startup_check: Some(startup),
        ..AlivenessCheck::default()
    };
    let mut desk = Desk::running(with(check));
    desk.pass(0);
    let pass = |desk: &mut Desk, number| {
        desk.send(Event::Checked { id: id(), run: desk.run(), number, result: Ok(()) })
    };
    pass(&mut desk, 1);
    assert_eq!(desk.log(), "check 1, find main, starting>running");
    found(&mut desk, Ok(100));
    desk.pass(0);
    pass(&mut desk, 2);
    desk.pass(10_000);
    assert_eq!(desk.log(), "adopt 100, check 2, check 3");

    // Without a startup check, after the first one that passes; without any check, after an interval.
    let mut desk =
        Desk::running(with(AlivenessCheck { url: url(), status_url: url(), ..AlivenessCheck::default() }));
    desk.pass(0);
    pass(&mut desk, 1);
    assert_eq!(desk.log(), "check 1, find main");
    let mut desk = Desk::running(with(AlivenessCheck { status_url: url(), ..AlivenessCheck::default() }));
    desk.pass(100_000);
    assert_eq!(desk.log(), "find main");
}

#[test]
fn what_is_told_is_looked_at() {
    let mut desk =
        Desk::running(with(AlivenessCheck { watchdog_ms: Some(60_000), ..AlivenessCheck::default() }));
    let says = |desk: &mut Desk, pid| {
        desk.send(Event::Noticed { id: id(), run: desk.run(), notice: Notice::MainPid(pid) })
    };
    says(&mut desk, 100);
    assert_eq!(desk.log(), "", "that is known");
    says(&mut desk, 300);
    assert_eq!(desk.log(), "is 300 of it?");
    found(&mut desk, Ok(300));
    assert_eq!((desk.log().as_str(), desk.view().entry.pid), ("adopt 300", Some(300)));
    let other = RunId::new("other").unwrap();
    desk.send(Event::MainFound { id: id(), run: other, result: Ok(400) });
    assert_eq!(desk.view().entry.pid, Some(300));
}

#[test]
fn a_new_monitor_looks_on() {
    let ended = |main_known, code| Finding::Ended {
        run: RunId::new("earlier-1").unwrap(),
        pid: 100,
        exit: Exit::Code(code),
        started: wall(-1_000),
        at: wall(-500),
        attempts: 0,
        main_known,
    };
    let boot =
        |finding| Desk::boot(ProcessEntry { state: ProcessState::Running, ..daemon() }, true, finding).log();
    assert!(boot(ended(false, 0)).contains("find main"));
    assert!(!boot(ended(true, 0)).contains("find main"));
    assert!(!boot(ended(false, 1)).contains("find main"));
}
