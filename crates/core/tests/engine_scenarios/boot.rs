//! What a new monitor makes of what it finds.

use crate::desk::{Desk, entry, wall, with_policy};
use process_monitor_core::engine::{Event, Finding, Health, Memory};
use process_monitor_core::exit::{Exit, ExitReason, LastExit};
use process_monitor_core::id::RunId;
use process_monitor_core::model::ProcessState::{
    self, Crashed, Disabled, Failed, Retrying, Running, Starting, Stopped, Stopping,
};
use process_monitor_core::model::{ProcessEntry, RestartPolicy, RestartType};

fn run() -> RunId {
    RunId::new("old-1").unwrap()
}

fn entry_in(state: ProcessState) -> ProcessEntry {
    ProcessEntry { state, ..entry() }
}

/// It was started two minutes ago.
fn alive() -> Finding {
    Finding::Alive {
        run: run(),
        pid: 100,
        started: wall(-120_000),
        attempts: 2,
        main_known: false,
        heard: false,
    }
}

/// It ended `ago` milliseconds ago.
fn ended(ago: i64) -> Finding {
    Finding::Ended {
        run: run(),
        pid: 100,
        exit: Exit::Code(4),
        started: wall(-120_000),
        at: wall(-ago),
        attempts: 0,
        main_known: false,
    }
}

fn cleared(desk: &mut Desk) {
    let id = crate::desk::id();
    desk.send(Event::Cleared { id, run: run() });
}

#[test]
fn a_fresh_start_obeys_autostart() {
    let table = [
        (entry(), "record 0, spawn, stopped>starting"),
        (ProcessEntry { autostart: false, ..entry() }, ""),
        (ProcessEntry { enabled: false, ..entry_in(Disabled) }, ""),
        (ProcessEntry { autostart: false, ..entry_in(Running) }, ""),
        (ProcessEntry { restart_attempts: 4, ..entry_in(Failed) }, "record 0, spawn, stopped>starting"),
        (ProcessEntry { autostart: false, ..entry_in(Starting) }, "record 0, spawn, stopped>starting"),
    ];
    for (entry, expected) in table {
        let mut desk = Desk::boot(entry.clone(), false, Finding::Nothing);
        assert_eq!(desk.log(), expected, "{entry:?}");
    }
}

#[test]
fn a_continuing_monitor_wants_up_what_was_up() {
    let table = [
        (Running, Starting),
        (Starting, Starting),
        (Crashed, Crashed),
        // Its policy knows of no retry.
        (Retrying, Crashed),
        (Stopping, Stopped),
        (Stopped, Stopped),
        (Failed, Failed),
    ];
    for (was, is) in table {
        let last_stopped_at = Some(wall(0));
        let desk = Desk::boot(ProcessEntry { last_stopped_at, ..entry_in(was) }, true, Finding::Nothing);
        assert_eq!(desk.state(), is, "{was}");
    }
}

#[test]
fn what_still_runs_is_adopted() {
    for state in [Running, Starting, Crashed, Retrying] {
        for continuing in [true, false] {
            let mut desk = Desk::boot(entry_in(state), continuing, alive());
            assert_eq!(desk.log(), "stopped>running", "{state}");
            let view = desk.view();
            assert_eq!(
                (view.entry.pid, view.run, view.up_since),
                (Some(100), Some(run()), Some(wall(-120_000)))
            );
            assert_eq!(desk.attempts(), 2);
            desk.pass(180_000);
            assert_eq!(desk.attempts(), 0, "it has been up for five minutes in all");
        }
    }
}

#[test]
fn what_still_runs_and_was_being_stopped_is_stopped() {
    let mut desk = Desk::boot(entry_in(Stopping), true, alive());
    assert_eq!(desk.log(), "stopped>running, SIGTERM group, running>stopping");
    let mut desk = Desk::boot(ProcessEntry { enabled: false, ..entry_in(Stopping) }, true, alive());
    assert_eq!(desk.log(), "disabled>running, SIGTERM group, running>stopping");
    desk.send(process_monitor_core::engine::Event::Exited {
        id: crate::desk::id(),
        run: run(),
        exit: Exit::Code(0),
        leftover: false,
    });
    assert_eq!(desk.state(), Disabled);
}

/// The shutdown before was cut off; a fresh start wants it up, so it is left up.
#[test]
fn what_still_runs_and_is_to_be_started_anyway_is_not_stopped() {
    let mut desk = Desk::boot(entry_in(Stopping), false, alive());
    assert_eq!(desk.log(), "stopped>running");
    let mut desk = Desk::boot(ProcessEntry { autostart: false, ..entry_in(Stopping) }, false, alive());
    assert_eq!(desk.log(), "stopped>running, SIGTERM group, running>stopping");
}

#[test]
fn what_somebody_set_to_stopped_in_the_file_is_stopped() {
    let edited = ProcessEntry { pid: Some(100), ..entry_in(Stopped) };
    let mut desk = Desk::boot(edited, true, alive());
    assert_eq!(desk.log(), "stopped>running, SIGTERM group, running>stopping");
    for pid in [None, Some(99)] {
        let older_than_the_start = ProcessEntry { pid, ..entry_in(Stopped) };
        let mut desk = Desk::boot(older_than_the_start, true, alive());
        assert_eq!(desk.log(), "stopped>running");
    }
}

#[test]
fn what_ended_meanwhile_follows_its_policy() {
    let mut desk = Desk::boot(entry_in(Running), true, ended(0));
    assert_eq!(desk.log(), "clear, stopped>crashed");
    let exit = desk.view().entry.last_exit.clone().unwrap();
    assert_eq!((exit.code, exit.reason, desk.attempts()), (Some(4), ExitReason::Exited, 1));
    cleared(&mut desk);
    desk.pass(999);
    assert_eq!(desk.log(), "");
    desk.pass(1);
    assert_eq!(desk.log(), "record 1, spawn, crashed>starting");
}

#[test]
fn the_backoff_of_what_ended_meanwhile_counts_from_its_end() {
    let mut desk = Desk::boot(entry_in(Running), true, ended(400));
    cleared(&mut desk);
    assert_eq!(desk.view().due, Some(wall(600)));
    assert_eq!(desk.view().entry.last_exit.clone().map(|exit| exit.at), Some(wall(-400)));
    let mut desk_late = Desk::boot(entry_in(Running), true, ended(60_000));
    cleared(&mut desk_late);
    assert!(desk_late.log().ends_with("record 1, spawn, crashed>starting"), "it has waited long enough");
    desk.pass(600);
    assert_eq!(desk.state(), Starting);
}

#[test]
fn what_ended_meanwhile_while_being_stopped_is_stopped() {
    let mut desk = Desk::boot(entry_in(Stopping), true, ended(0));
    assert_eq!(desk.log(), "clear, stopped>stopping");
    cleared(&mut desk);
    assert_eq!(desk.state(), Stopped);
    assert_eq!(desk.view().entry.last_exit.clone().map(|exit| exit.reason), Some(ExitReason::Stopped));
}

/// The file told of the end, but the record of the run was not removed yet.
#[test]
fn an_end_that_was_dealt_with_is_not_dealt_with_again() {
    let last_exit = Some(LastExit::new(Exit::Signal(11), wall(-1_000), ExitReason::Signaled));
    for state in [Stopped, Failed] {
        let written = ProcessEntry {
            last_stopped_at: Some(wall(-1_000)),
            last_exit: last_exit.clone(),
            ..entry_in(state)
        };
        let mut desk = Desk::boot(written, true, ended(0));
        cleared(&mut desk);
        assert_eq!((desk.state(), desk.view().entry.last_exit.clone()), (state, last_exit.clone()));
    }
}

fn after_run(entry: ProcessEntry) -> ProcessEntry {
    ProcessEntry { past_runs: vec![run()], ..entry }
}

/// The policy restarts nothing: were its end taken for a crash, it would be failed.
fn in_restart() -> ProcessEntry {
    let never = RestartPolicy { kind: RestartType::Never, ..RestartPolicy::default() };
    after_run(ProcessEntry { state: Starting, ..with_policy(never) })
}

#[test]
fn a_restart_whose_stop_was_under_way_goes_on() {
    let mut desk = Desk::boot(in_restart(), true, ended(0));
    assert_eq!(desk.log(), "clear, stopped>stopping");
    cleared(&mut desk);
    assert_eq!(desk.log(), "record 0, spawn, stopping>starting");
    assert_eq!(desk.view().entry.last_exit.clone().map(|exit| exit.reason), Some(ExitReason::Stopped));

    let mut desk = Desk::boot(in_restart(), true, alive());
    assert_eq!(desk.log(), "stopped>running, SIGTERM group, running>stopping");
    let id = crate::desk::id();
    desk.send(Event::Exited { id, run: run(), exit: Exit::Code(1), leftover: false });
    assert_eq!(desk.log(), "record 0, spawn, stopping>starting", "a restart counts from 0 again");

    let mut desk = Desk::boot(in_restart(), true, Finding::NotStarted { run: run(), attempts: 3 });
    assert_eq!(desk.log(), "record 0, spawn, stopped>starting");
}

/// The run that was started has the record by then.
#[test]
fn what_a_restart_led_to_is_not_restarted_again() {
    let earlier = vec![RunId::new("old-0").unwrap()];
    let entry = ProcessEntry { past_runs: earlier, ..in_restart() };
    assert_eq!(Desk::boot(entry.clone(), true, alive()).log(), "stopped>running");
    let mut desk = Desk::boot(entry, true, ended(0));
    cleared(&mut desk);
    assert_eq!(desk.state(), Failed);
}

/// The spawn was under way, and either had a record already or had not.
#[test]
fn a_restart_of_what_was_just_starting_ends_with_a_new_run() {
    let (first, second) = (run(), RunId::new("old-2").unwrap());
    let entry = ProcessEntry { past_runs: vec![first, second.clone()], ..in_restart() };
    let mut desk = Desk::boot(entry.clone(), true, ended(0));
    cleared(&mut desk);
    assert_eq!(desk.state(), Starting);
    let found = Finding::Alive {
        run: second,
        pid: 101,
        started: wall(0),
        attempts: 0,
        main_known: false,
        heard: false,
    };
    assert_eq!(Desk::boot(entry, true, found).state(), Stopping);
}

/// The file told of the end and of the start that follows, but there is no record of that start yet.
#[test]
fn a_start_without_a_record_is_no_crash_of_the_run_before() {
    let last_exit = Some(LastExit::new(Exit::Code(7), wall(-50), ExitReason::Exited));
    let written = ProcessEntry {
        last_exit: last_exit.clone(),
        last_stopped_at: Some(wall(-50)),
        restart_attempts: 3,
        ..in_restart()
    };
    let mut desk = Desk::boot(written, true, ended(50));
    cleared(&mut desk);
    assert_eq!(desk.log(), "clear, stopped>stopping, record 3, spawn, stopping>starting");
    assert_eq!(desk.view().entry.last_exit, last_exit);
}

#[test]
fn what_was_given_up_while_it_was_cleared_stays_given_up() {
    let policy = RestartPolicy { max_attempts: 0, ..RestartPolicy::default() };
    let mut desk = Desk::running(with_policy(policy));
    desk.exits_leaving_workers(Exit::Code(1));
    assert_eq!(desk.log(), "clear, running>stopping");
    let written = desk.engine.entry(&crate::desk::id()).unwrap();
    assert_eq!((written.state, written.past_runs.clone()), (Failed, vec![desk.run()]));

    let ended = Finding::Ended {
        run: desk.run(),
        pid: 100,
        exit: Exit::Code(1),
        started: wall(0),
        at: wall(0),
        attempts: 0,
        main_known: false,
    };
    let mut next = Desk::boot(written.clone(), true, ended);
    next.send(Event::Cleared { id: crate::desk::id(), run: desk.run() });
    assert_eq!(next.log(), "clear, stopped>stopping, stopping>failed");
    assert_eq!(next.view().entry.last_exit.clone(), written.last_exit);
}

/// Its startup check had failed for good, and it was being taken down.
#[test]
fn what_was_given_up_and_still_runs_is_taken_down_and_failed() {
    let mut desk = Desk::boot(after_run(entry_in(Failed)), true, alive());
    assert_eq!(desk.log(), "stopped>running, SIGTERM group, running>stopping");
    let id = crate::desk::id();
    desk.send(Event::Exited { id, run: run(), exit: Exit::Signal(15), leftover: false });
    assert_eq!(desk.state(), Failed);
}

#[test]
fn a_removal_goes_on() {
    let removing = || after_run(ProcessEntry { removing: true, ..entry_in(Stopping) });
    for continuing in [true, false] {
        let mut desk = Desk::boot(removing(), continuing, alive());
        assert_eq!(desk.log(), "stopped>running, SIGTERM group, running>stopping");
        let id = crate::desk::id();
        desk.send(Event::Exited { id, run: run(), exit: Exit::Signal(15), leftover: false });
        assert_eq!(desk.log(), "forget");
        let mut desk = Desk::boot(removing(), continuing, ended(0));
        cleared(&mut desk);
        assert_eq!(desk.log(), "clear, stopped>stopping, forget");
        assert_eq!(Desk::boot(removing(), continuing, Finding::Nothing).log(), "forget");
    }
    let mut edited = Desk::boot(ProcessEntry { state: Starting, ..removing() }, true, Finding::Nothing);
    assert_eq!(edited.log(), "record 0, spawn, stopped>starting", "somebody wants it after all");
}

#[test]
fn a_wait_that_was_noted_goes_on_beside_the_record_of_its_run() {
    let written = ProcessEntry {
        last_stopped_at: Some(wall(-400)),
        last_exit: Some(LastExit::new(Exit::Code(4), wall(-400), ExitReason::Exited)),
        restart_attempts: 1,
        ..after_run(entry_in(Crashed))
    };
    let mut desk = Desk::boot(written, true, ended(400));
    cleared(&mut desk);
    assert_eq!((desk.view().due, desk.attempts()), (Some(wall(600)), 1));
}

/// A start by hand reset them after its record was written.
#[test]
fn attempts_are_those_of_the_entry_when_that_knows_the_run() {
    for (pid, expected) in [(Some(100), 0), (None, 2), (Some(99), 2)] {
        let entry = ProcessEntry { pid, ..entry_in(Running) };
        assert_eq!(Desk::boot(entry, true, alive()).attempts(), expected, "{pid:?}");
    }
}

#[test]
fn an_intent_without_a_process_is_started_if_it_is_wanted_up() {
    for (state, expected) in [
        // The file may be older than the record, which has the number of this start.
        (Starting, "record 3, spawn, stopped>starting"),
        (Crashed, "record 3, spawn, stopped>starting"),
        (Stopped, ""),
        (Stopping, ""),
    ] {
        let mut desk = Desk::boot(entry_in(state), true, Finding::NotStarted { run: run(), attempts: 3 });
        assert_eq!(desk.log(), expected, "{state}");
    }
}

#[test]
fn a_wait_goes_on_where_it_was() {
    let policy = RestartPolicy {
        retry_indefinitely: true,
        indefinite_interval_ms: 60_000,
        backoff_intervals_ms: vec![1_000, 30_000],
        ..RestartPolicy::default()
    };
    for (state, whole) in [(Retrying, 60_000), (Crashed, 30_000)] {
        let waiting = ProcessEntry {
            state,
            last_stopped_at: Some(wall(-20_000)),
            restart_attempts: 2,
            ..with_policy(policy.clone())
        };
        let mut desk = Desk::boot(waiting, true, Finding::Nothing);
        assert_eq!((desk.state(), desk.view().due), (state, Some(wall(whole - 20_000))));
        desk.pass(u64::try_from(whole).unwrap() - 20_001);
        assert_eq!(desk.state(), state);
        desk.pass(1);
        assert_eq!(desk.state(), Starting);
    }
}

/// The wait that it is in was of a policy that it has no longer, and a retry's default is six hours.
#[test]
fn a_retry_that_its_policy_knows_no_longer_comes_after_the_last_backoff() {
    for kind in [RestartType::Never, RestartType::Always] {
        let policy = RestartPolicy { kind, backoff_intervals_ms: vec![1_000, 30_000], ..Default::default() };
        let waiting = ProcessEntry {
            state: Retrying,
            last_stopped_at: Some(wall(-20_000)),
            restart_attempts: 2,
            ..with_policy(policy)
        };
        let mut desk = Desk::boot(waiting, true, Finding::Nothing);
        assert_eq!((desk.state(), desk.view().due), (Crashed, Some(wall(10_000))));
        desk.pass(10_000);
        assert_eq!(desk.log(), "stopped>crashed, record 2, spawn, crashed>starting");
    }
}

/// The clock was set back while no monitor was there.
#[test]
fn a_wait_is_never_longer_than_the_policy_says() {
    let waiting =
        ProcessEntry { last_stopped_at: Some(wall(9_000_000)), restart_attempts: 1, ..entry_in(Crashed) };
    let desk = Desk::boot(waiting, true, Finding::Nothing);
    assert_eq!(desk.view().due, Some(wall(1_000)));
}

#[test]
fn what_the_engine_before_knew_stays_known_unless_something_changed() {
    let memory = |state, run: Option<RunId>| {
        let health = Health { in_a_row: 3, failed: 7, healthy: Some(false), ..Health::default() };
        let message = Some("so it is".into());
        Memory { id: crate::desk::id(), state, run, message, health, startup: None, watchdog_ms: None }
    };
    let table = [
        (memory(Running, Some(run())), "so it is", 3),
        (memory(Running, Some(RunId::new("old-2").unwrap())), "", 0),
        (memory(Crashed, None), "", 0),
    ];
    for (memory, message, in_a_row) in table {
        let mut desk = Desk::boot(entry_in(Running), true, alive());
        desk.log();
        desk.send(Event::Recalled(memory.clone()));
        assert_eq!(desk.log(), "", "nothing is to be done");
        let view = desk.view();
        assert_eq!(
            (desk.message().as_str(), view.entry.consecutive_failures),
            (message, in_a_row),
            "{memory:?}"
        );
        let saved = serde_json::to_string(&memory).unwrap();
        assert_eq!(serde_json::from_str::<Memory>(&saved).unwrap(), memory);
    }
}
