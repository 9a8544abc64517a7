//! SPEC 4.3 as far as the engine decides it: checks, thresholds, startup checks, what a program says.

use crate::desk::{Desk, entry, id, wall};
use process_monitor_core::engine::{Command, Event, Finding, Wait};
use process_monitor_core::exit::{Exit, ExitReason};
use process_monitor_core::id::RunId;
use process_monitor_core::model::{
    AlivenessCheck, FailAction, ProcessEntry, ProcessState, RestartPolicy, RestartType, StartupCheck,
};
use process_monitor_core::notice::Notice;
use std::sync::Arc;

const TARGET: &str = "tcp 127.0.0.1:1";

fn check() -> AlivenessCheck {
    AlivenessCheck { enabled: Some(true), tcp: Some("127.0.0.1:1".into()), ..AlivenessCheck::default() }
}

/// Checked every 3 s, killed at the second failure, restarted at once.
fn checked() -> ProcessEntry {
    let policy = RestartPolicy { backoff_intervals_ms: Vec::new(), ..RestartPolicy::default() };
    ProcessEntry { aliveness_check: Some(check().into()), restart_policy: Some(policy), ..entry() }
}

fn with_startup(startup: StartupCheck) -> ProcessEntry {
    let check = AlivenessCheck { startup_check: Some(startup), ..check() };
    ProcessEntry { aliveness_check: Some(check.into()), ..checked() }
}

fn startup(fail_action: FailAction) -> StartupCheck {
    StartupCheck { enabled: true, max_attempts: 2, fail_action, ..StartupCheck::default() }
}

fn passes(desk: &mut Desk, number: u64) {
    desk.send(Event::Checked { id: id(), run: desk.run(), number, result: Ok(()) });
}

fn fails(desk: &mut Desk, number: u64) {
    desk.send(Event::Checked { id: id(), run: desk.run(), number, result: Err("refused".into()) });
}

fn says(desk: &mut Desk, notice: Notice) {
    desk.send(Event::Noticed { id: id(), run: desk.run(), notice });
}

fn reason(desk: &Desk) -> Option<ExitReason> {
    desk.view().entry.last_exit.clone().map(|exit| exit.reason)
}

/// Two failed checks: it is being killed.
fn unhealthy(entry: ProcessEntry) -> Desk {
    let mut desk = Desk::running(entry);
    desk.pass(0);
    fails(&mut desk, 1);
    desk.pass(3_000);
    desk.log();
    fails(&mut desk, 2);
    desk
}

// ---- the schedule ---------------------------------------------------------------------------------

#[test]
fn checks_come_once_per_interval() {
    let mut desk = Desk::running(checked());
    // The desk's dice shows zero, so the first is due at once.
    desk.pass(0);
    assert_eq!(desk.log(), "check 1");
    passes(&mut desk, 1);
    desk.pass(2_999);
    assert_eq!(desk.log(), "");
    desk.pass(1);
    assert_eq!(desk.log(), "check 2");
}

#[test]
fn a_check_without_an_answer_is_not_overtaken() {
    let mut desk = Desk::running(checked());
    desk.pass(10_000);
    assert_eq!(desk.log(), "check 1");
    passes(&mut desk, 1);
    desk.pass(1_999);
    assert_eq!(desk.log(), "");
    desk.pass(1);
    assert_eq!(desk.log(), "check 2", "in step with the first");
}

#[test]
fn answers_that_nobody_waits_for_change_nothing() {
    let mut desk = Desk::running(checked());
    fails(&mut desk, 1);
    desk.pass(0);
    fails(&mut desk, 2);
    desk.send(Event::Checked {
        id: id(),
        run: RunId::new("other").unwrap(),
        number: 1,
        result: Err("x".into()),
    });
    assert_eq!(desk.log(), "check 1");
    passes(&mut desk, 1);
    fails(&mut desk, 1);
    assert_eq!(desk.log(), "", "answered twice");
    assert_eq!(desk.view().health.unwrap().failed, 0);
}

#[test]
fn what_is_switched_off_is_not_checked() {
    let off = AlivenessCheck { enabled: None, ..check() };
    let mut desk = Desk::running(ProcessEntry { aliveness_check: Some(off.into()), ..entry() });
    desk.pass(100_000);
    assert_eq!((desk.log().as_str(), desk.view().health), ("", None));
    desk.command(Command::Configure(Arc::new(checked())));
    desk.pass(0);
    assert_eq!(desk.log(), "#2 running, check 1", "a changed check needs no restart");
    desk.command(Command::Configure(Arc::new(entry())));
    fails(&mut desk, 1);
    desk.pass(100_000);
    assert_eq!(desk.log(), "#3 running");
}

// ---- thresholds -----------------------------------------------------------------------------------

#[test]
fn failures_in_a_row_kill_and_others_do_not() {
    let mut desk = Desk::running(checked());
    desk.pass(0);
    desk.log();
    for number in [1, 3, 5] {
        fails(&mut desk, number);
        assert_eq!(desk.message(), format!("check 1 of 2 failed: {TARGET}: refused"));
        assert_eq!(desk.view().entry.consecutive_failures, 1);
        desk.pass(3_000);
        passes(&mut desk, number + 1);
        assert_eq!(desk.view().entry.consecutive_failures, 0);
        desk.pass(3_000);
        let (passing, next) = (number + 1, number + 2);
        let expected =
            format!("failed 1/2: {TARGET}: refused, check {passing}, well again after 1, check {next}");
        assert_eq!(desk.log(), expected);
    }
    assert_eq!(desk.state(), ProcessState::Running);
}

#[test]
fn the_last_straw() {
    let mut desk = unhealthy(checked());
    assert_eq!(desk.log(), format!("failed 2/2: {TARGET}: refused, kill tree, running>stopping"));
    assert_eq!(desk.message(), format!("unhealthy: {TARGET}: refused (2 times in a row)"));
    desk.pass(5_000);
    assert_eq!(desk.log(), "kill tree", "every kill has a deadline");
    desk.exits_leaving_workers(Exit::Signal(9));
    assert_eq!(desk.log(), "clear, stopping>crashed");
    desk.cleared();
    assert_eq!(desk.log(), "record 1, spawn, crashed>starting");
    assert_eq!(reason(&desk), Some(ExitReason::Unhealthy));
    assert_eq!(desk.attempts(), 1);
    // Its checks begin anew, and an answer of the run before is none.
    desk.spawned(101);
    assert_eq!(desk.view().entry.consecutive_failures, 0);
    desk.pass(0);
    assert_eq!(desk.log(), "starting>running, check 1");
}

#[test]
fn the_policy_decides_what_follows() {
    for (kind, expected) in [
        (RestartType::Always, "stopping>crashed, record 1, spawn, crashed>starting"),
        (RestartType::OnFailure, "stopping>crashed, record 1, spawn, crashed>starting"),
        (RestartType::Never, "stopping>failed"),
    ] {
        let policy = RestartPolicy { kind, backoff_intervals_ms: Vec::new(), ..RestartPolicy::default() };
        let mut desk = unhealthy(ProcessEntry { restart_policy: Some(policy), ..checked() });
        desk.log();
        desk.exits(Exit::Signal(9));
        assert_eq!(desk.log(), expected, "{kind:?}");
        assert_eq!(reason(&desk), Some(ExitReason::Unhealthy));
    }
}

#[test]
fn long_running_forgives_earlier_restarts() {
    let mut desk = Desk::running(checked());
    desk.exits(Exit::Code(1));
    desk.spawned(101);
    assert_eq!(desk.attempts(), 1);
    let policy =
        RestartPolicy { reset_after_ms: 1_000, backoff_intervals_ms: Vec::new(), ..RestartPolicy::default() };
    desk.command(Command::Configure(Arc::new(ProcessEntry { restart_policy: Some(policy), ..checked() })));
    desk.pass(1_000);
    assert_eq!(desk.attempts(), 0);
}

// ---- at the same moment ---------------------------------------------------------------------------

#[test]
fn an_exit_comes_before_the_answer() {
    let mut desk = Desk::running(checked());
    desk.pass(0);
    let run = desk.run();
    desk.exits(Exit::Code(1));
    desk.log();
    for result in [Ok(()), Err("refused".to_owned())] {
        desk.send(Event::Checked { id: id(), run: run.clone(), number: 1, result });
    }
    assert_eq!(desk.log(), "");
    assert_eq!(reason(&desk), Some(ExitReason::Exited));
}

#[test]
fn an_answer_comes_before_an_exit_of_its_own() {
    for (exit, expected) in [
        (Exit::Code(3), ExitReason::Exited),
        (Exit::Signal(9), ExitReason::Unhealthy),
        (Exit::Unknown, ExitReason::Unhealthy),
    ] {
        let mut desk = unhealthy(checked());
        desk.exits(exit);
        assert_eq!((reason(&desk), desk.state()), (Some(expected), ProcessState::Starting), "{exit}");
    }
    let on_failure = RestartPolicy { kind: RestartType::OnFailure, ..RestartPolicy::default() };
    let mut desk = unhealthy(ProcessEntry { restart_policy: Some(on_failure), ..checked() });
    desk.exits(Exit::Code(0));
    assert_eq!(desk.state(), ProcessState::Stopped, "it had done what it was meant to");
}

#[test]
fn what_is_commanded_meanwhile_is_what_follows() {
    for (command, then) in [
        (Command::Stop(id()), "stopping>stopped, #2 stopped"),
        (Command::Disable(id()), "stopping>disabled, #2 disabled"),
        (Command::Start { id: id(), wait: Wait::Accepted }, "record 0, spawn, stopping>starting"),
        (Command::Restart { id: id(), wait: Wait::Accepted }, "record 0, spawn, stopping>starting"),
        (Command::Remove(id()), "forget, #2 stopped"),
    ] {
        let mut desk = unhealthy(checked());
        desk.command(command.clone());
        desk.log();
        desk.exits(Exit::Signal(9));
        assert_eq!(desk.log(), then, "{command:?}");
    }
    let mut desk = unhealthy(checked());
    desk.send(Event::Shutdown);
    desk.log();
    desk.exits(Exit::Signal(9));
    assert_eq!(desk.log(), "stopping>stopped, finished");
}

// ---- startup checks -------------------------------------------------------------------------------

#[test]
fn it_is_starting_until_its_check_passes() {
    let mut desk = Desk::with(with_startup(startup(FailAction::Restart)));
    desk.start_and_wait();
    desk.spawned(100);
    assert_eq!(desk.log(), "record 0, spawn, stopped>starting");
    assert_eq!(desk.view().entry.pid, Some(100));
    desk.pass(1_999);
    assert_eq!(desk.log(), "");
    desk.pass(1);
    fails(&mut desk, 1);
    assert_eq!(desk.log(), format!("check 1, failed 1/2: {TARGET}: refused"));
    assert_eq!(desk.message(), format!("not ready yet, check 1 of 2: {TARGET}: refused"));
    desk.pass(1_000);
    passes(&mut desk, 2);
    assert_eq!(desk.log(), "check 2, starting>running, #1 running");
    desk.pass(0);
    assert_eq!(desk.log(), "check 3", "the periodic ones go on");
}

#[test]
fn what_follows_when_it_never_passes() {
    let table = [
        (
            FailAction::Restart,
            "kill tree, starting>stopping",
            Exit::Signal(9),
            "stopping>crashed, record 1, spawn, crashed>starting",
        ),
        (FailAction::Disable, "SIGTERM group, starting>stopping", Exit::Code(0), "stopping>disabled"),
        (FailAction::Fail, "SIGTERM group, starting>stopping", Exit::Code(0), "stopping>failed"),
    ];
    for (action, at_once, exit, then) in table {
        let mut desk = Desk::running(with_startup(startup(action)));
        desk.pass(2_000);
        fails(&mut desk, 1);
        desk.pass(1_000);
        desk.log();
        fails(&mut desk, 2);
        assert_eq!(desk.log(), format!("failed 2/2: {TARGET}: refused, {at_once}"), "{action:?}");
        desk.exits(exit);
        let log = desk.log();
        assert!(log.starts_with(then), "{action:?}: {log}");
        assert_eq!(reason(&desk), Some(ExitReason::Unhealthy), "{action:?}");
        assert!(desk.message().contains("did not become ready: 2 checks failed"), "{}", desk.message());
        assert_eq!(desk.view().entry.enabled, action != FailAction::Disable);
    }
}

#[test]
fn who_waits_is_told_why_it_failed() {
    let mut desk = Desk::with(with_startup(StartupCheck { max_attempts: 1, ..startup(FailAction::Fail) }));
    desk.start_and_wait();
    desk.spawned(100);
    desk.pass(2_000);
    fails(&mut desk, 1);
    desk.log();
    desk.exits(Exit::Code(0));
    let log = desk.log();
    assert!(log.contains("#1 refused: web did not start: it did not become ready"), "{log}");
}

#[test]
fn a_startup_check_is_cut_short() {
    let warming = || {
        let mut desk = Desk::running(with_startup(startup(FailAction::Restart)));
        desk.pass(2_000);
        desk.log();
        desk
    };
    let mut desk = warming();
    desk.stop();
    passes(&mut desk, 1);
    assert_eq!(desk.log(), "SIGTERM group, starting>stopping");
    desk.exits(Exit::Code(0));
    assert_eq!(desk.log(), "stopping>stopped, #2 stopped");
    assert_eq!(reason(&desk), Some(ExitReason::Stopped));

    let mut desk = warming();
    desk.exits(Exit::Code(5));
    assert_eq!(desk.log(), "starting>crashed, record 1, spawn, crashed>starting");

    let mut desk = warming();
    desk.restart();
    desk.exits(Exit::Code(0));
    assert_eq!(desk.log(), "SIGTERM group, starting>stopping, record 0, spawn, stopping>starting");

    // Nothing is left to be asked.
    let mut desk = warming();
    desk.command(Command::Configure(Arc::new(entry())));
    fails(&mut desk, 1);
    desk.pass(10_000);
    assert_eq!(desk.state(), ProcessState::Running);
}

// ---- what a program says --------------------------------------------------------------------------

#[test]
fn it_is_ready_by_its_own_word() {
    let by_word = |notify, pattern: Option<&str>| StartupCheck {
        notify,
        log_pattern: pattern.map(str::to_owned),
        ..startup(FailAction::Restart)
    };
    let mut desk = Desk::running(with_startup(by_word(true, None)));
    says(&mut desk, Notice::Line);
    assert_eq!(desk.state(), ProcessState::Starting);
    says(&mut desk, Notice::Ready);
    assert_eq!(desk.log(), "starting>running");

    let mut desk = Desk::with(with_startup(by_word(false, Some("^up$"))));
    desk.start();
    desk.spawned(100);
    assert_eq!(desk.log(), "record 0, spawn, stopped>starting, #1 starting, await \"^up$\"");
    says(&mut desk, Notice::Ready);
    assert_eq!(desk.state(), ProcessState::Starting);
    // initialDelayMs + maxAttempts × checkIntervalMs
    desk.pass(3_999);
    assert_eq!(desk.log(), "");
    desk.pass(1);
    assert_eq!(desk.log(), "kill tree, starting>stopping");
    assert_eq!(
        desk.message(),
        "it did not become ready: it printed no line that matches \"^up$\" within 4 s"
    );
}

#[test]
fn a_watchdog_wants_to_hear_of_it() {
    let watched =
        AlivenessCheck { enabled: Some(true), watchdog_ms: Some(1_000), ..AlivenessCheck::default() };
    let running =
        || Desk::running(ProcessEntry { aliveness_check: Some(watched.clone().into()), ..checked() });
    let mut desk = running();
    for _ in 0..5 {
        desk.pass(999);
        says(&mut desk, Notice::Alive);
    }
    assert_eq!(desk.log(), "");
    desk.pass(1_000);
    assert_eq!(desk.log(), "failed 1/1: no WATCHDOG=1 for 1000 ms, kill tree, running>stopping");

    let mut desk = running();
    says(&mut desk, Notice::Distress);
    assert!(desk.log().ends_with("kill tree, running>stopping"));

    let mut desk = running();
    says(&mut desk, Notice::Stopping);
    desk.pass(100_000);
    assert_eq!((desk.log().as_str(), desk.message().as_str()), ("", "it says that it is stopping"));
}

#[test]
fn its_text_is_that_of_its_run() {
    let mut desk = Desk::running(checked());
    says(&mut desk, Notice::Status("3 of 4".into()));
    assert_eq!(desk.view().health.unwrap().text.as_deref(), Some("3 of 4"));
    desk.exits(Exit::Code(1));
    desk.spawned(101);
    assert_eq!(desk.view().health.unwrap().text, None);
}

// ---- a new monitor --------------------------------------------------------------------------------

#[test]
fn the_next_monitor_goes_on_where_it_was() {
    let alive = || {
        let run = RunId::new("earlier-1").unwrap();
        Finding::Alive { run, pid: 100, started: wall(-1_000), attempts: 1, main_known: false, heard: false }
    };
    let found = |entry: ProcessEntry, state| {
        Desk::boot(ProcessEntry { state, pid: Some(100), ..entry }, true, alive())
    };
    let starting = with_startup(startup(FailAction::Restart));
    assert_eq!(found(starting.clone(), ProcessState::Starting).state(), ProcessState::Starting);
    assert_eq!(found(starting, ProcessState::Running).state(), ProcessState::Running);
    // READY=1 may have been said to nobody.
    let by_word = with_startup(StartupCheck { notify: true, ..startup(FailAction::Restart) });
    assert_eq!(found(by_word, ProcessState::Starting).state(), ProcessState::Running);
    let line = StartupCheck { log_pattern: Some("up".into()), ..startup(FailAction::Restart) };
    let mut desk = found(with_startup(line), ProcessState::Starting);
    assert!(desk.log().contains("await \"up\""));

    // One that was being killed as unhealthy is wanted up.
    let desk = unhealthy(checked());
    assert_eq!(desk.state(), ProcessState::Stopping);
    let written = desk.engine.entry(&id()).unwrap();
    assert_eq!(written.state, ProcessState::Crashed);
    assert_eq!(Desk::boot(written, true, alive()).state(), ProcessState::Running);
}
