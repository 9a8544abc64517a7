//! A monitor that is killed at any moment of a start leaves the truth: what it says that runs, runs, and nothing else.
#![cfg(feature = "failpoints")]

use crate::stage::{Stage, Test, all_die, announced, eventually, me};
use process_monitor_core::model::StopSignal;
use process_monitor_host::process::record::RecordState;
use process_monitor_host::process::tree::Reaper;
use process_monitor_host::process::{Identity, Process};
use std::process::Command;

pub const TESTS: &[Test] = &[
    ("a_monitor_killed_before_it_starts_anything_has_started_nothing", killed_before),
    ("a_monitor_killed_with_a_process_just_made_leaves_the_truth", killed_with_a_process_just_made),
    ("a_monitor_killed_after_it_has_recorded_a_program_leaves_one_that_runs", killed_after_the_record),
    (APART, all_holds_without_shared_memory),
];

const APART: &str = "all_holds_where_a_child_cannot_share_memory";

/// As in an emulator, which refuses such children: every test once more, with copies.
fn all_holds_without_shared_memory() {
    let mut again = Command::new(me());
    again.args(["--skip", APART]).env("FAILPOINTS", "spawn::sharing=return").env("PM_CONTRACT_SPAWNS", "100");
    let done = again.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}

/// What this process has armed, and to be killed at `point`.
fn failpoints(point: &str) -> String {
    let armed = std::env::var("FAILPOINTS").map(|armed| armed + ";").unwrap_or_default();
    format!("{armed}{point}=1*return")
}

/// What the record says of a start during which the monitor was killed at `point`.
fn killed_at(stage: &Stage, point: &str) -> RecordState {
    let pids = stage.file("pids");
    let mut monitor = stage.monitor_command(&["live".as_ref(), pids.as_ref()]);
    let died = monitor.env("FAILPOINTS", failpoints(point)).spawn().unwrap().wait().unwrap();
    assert!(!died.success());
    assert!(!stage.file("started").exists(), "it was not killed at {point}");
    stage.record().state
}

fn killed_before() {
    let stage = Stage::new();
    assert_eq!(killed_at(&stage, "spawn::before_clone"), RecordState::IntentOnly);
    assert!(!stage.file("pids").exists());
}

fn killed_with_a_process_just_made() {
    let stage = Stage::new();
    match killed_at(&stage, "spawn::after_clone") {
        RecordState::Spawned(leader) => it_runs(&stage, leader),
        // The process had not begun, and was ended by who read the record.
        RecordState::IntentOnly => nothing_runs(&stage),
        other => panic!("{other:?}"),
    }
}

fn killed_after_the_record() {
    if !cfg!(windows) {
        // Elsewhere the program records itself, and goes on by itself.
        return;
    }
    let stage = Stage::new();
    match killed_at(&stage, "spawn::after_record") {
        RecordState::Spawned(leader) => it_runs(&stage, leader),
        other => panic!("{other:?}"),
    }
}

fn it_runs(stage: &Stage, leader: Identity) {
    let process = Process::adopt(&leader).unwrap().unwrap();
    assert_eq!(announced(&stage.file("pids"), 1), [leader]);
    assert!(process.signal_group(StopSignal::Kill).unwrap());
    all_die(&[leader]);
}

fn nothing_runs(stage: &Stage) {
    let run = stage.record().intent.run;
    let nobody = Identity { pid: u32::MAX, start_time: 0 };
    let query = crate::trees::query(nobody, None, &run);
    let reaper = Reaper::become_subreaper().unwrap();
    eventually("nobody is left of it", || reaper.leftover(&query).unwrap().is_empty());
    assert!(!stage.file("pids").exists());
}
