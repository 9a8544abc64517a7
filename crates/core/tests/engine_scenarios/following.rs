//! An engine that follows another in the same process: what was under way goes on, and does not begin anew.

use crate::desk::{Desk, entry, id};
use process_monitor_core::engine::Event;
use process_monitor_core::model::{
    AlivenessCheck, FailAction, ProcessEntry, ProcessState, RestartPolicy, RestartType, StartupCheck,
};
use process_monitor_core::notice::Notice;

/// It ends up failed when its start does.
fn startup() -> StartupCheck {
    StartupCheck { enabled: true, fail_action: FailAction::Fail, ..StartupCheck::default() }
}

fn checked(check: AlivenessCheck) -> ProcessEntry {
    let policy = RestartPolicy { kind: RestartType::Never, ..RestartPolicy::default() };
    ProcessEntry { aliveness_check: Some(check.into()), restart_policy: Some(policy), ..entry() }
}

fn with_startup(startup: StartupCheck) -> ProcessEntry {
    let tcp = Some("127.0.0.1:1".to_owned());
    checked(AlivenessCheck {
        enabled: Some(true),
        tcp,
        startup_check: Some(startup),
        ..AlivenessCheck::default()
    })
}

/// It is well until the last of `left` milliseconds, and down then.
fn lasts(mut desk: Desk, left: u64, state: ProcessState) {
    assert_eq!(desk.state(), state);
    desk.pass(left - 1);
    assert_eq!(desk.state(), state);
    desk.pass(1);
    assert_eq!(desk.state(), ProcessState::Stopping);
}

#[test]
fn patience_goes_on() {
    let notify = StartupCheck { notify: true, ..startup() };
    let line = StartupCheck { log_pattern: Some("up".into()), ..startup() };
    for by_itself in [notify, line] {
        let patience = u64::try_from(by_itself.patience().as_millis()).unwrap();
        let mut desk = Desk::running(with_startup(by_itself));
        desk.pass(patience - 300);
        let mut next = desk.followed(true);
        next.pass(100);
        lasts(next.followed(true), 200, ProcessState::Starting);
    }
}

#[test]
fn its_word_that_it_is_ready_is_waited_for_if_it_cannot_have_been_missed() {
    let notify = with_startup(StartupCheck { notify: true, ..startup() });
    let desk = Desk::running(notify);
    assert_eq!(desk.followed(false).state(), ProcessState::Running, "it may have been said to nobody");
    let mut next = desk.followed(true);
    next.send(Event::Noticed { id: id(), run: next.run(), notice: Notice::Ready });
    assert_eq!(next.state(), ProcessState::Running);
}

#[test]
fn failed_checks_are_counted_on() {
    let check = StartupCheck { max_attempts: 3, ..startup() };
    let fails = |desk: &mut Desk, number| {
        desk.send(Event::Checked { id: id(), run: desk.run(), number, result: Err("refused".into()) });
    };
    let mut desk = Desk::running(with_startup(check.clone()));
    desk.pass(check.initial_delay_ms);
    fails(&mut desk, 1);
    desk.pass(check.check_interval_ms);
    fails(&mut desk, 2);
    desk.pass(check.check_interval_ms - 1);
    let mut next = desk.followed(true);
    next.pass(1);
    assert_eq!((next.log().as_str(), next.state()), ("check 1", ProcessState::Starting));
    fails(&mut next, 1);
    assert_eq!(next.state(), ProcessState::Stopping);
}

#[test]
fn a_sign_of_life_is_due_when_it_was() {
    let watched =
        AlivenessCheck { enabled: Some(true), watchdog_ms: Some(1_000), ..AlivenessCheck::default() };
    let mut desk = Desk::running(checked(watched));
    desk.pass(900);
    lasts(desk.followed(true), 100, ProcessState::Running);
}
