//! A monitor that is killed at any moment of a start leaves the truth: what it says that runs, runs, and nothing else.
#![cfg(feature = "failpoints")]

use crate::stage::{Stage, Test, all_die, announced, eventually};
use process_monitor_core::model::StopSignal;
use process_monitor_host::process::record::RecordState;
use process_monitor_host::process::tree::Reaper;
use process_monitor_host::process::{Identity, Process};

pub const TESTS: &[Test] = &[
    ("a_monitor_killed_before_it_starts_anything_has_started_nothing", killed_before),
    ("a_monitor_killed_with_a_process_just_made_leaves_the_truth", killed_with_a_process_just_made),
    ("a_monitor_killed_after_it_has_recorded_a_program_leaves_one_that_runs", killed_after_the_record),
];

/// What the record says of a start during which the monitor was killed at `point`.
fn killed_at(stage: &Stage, point: &str) -> RecordState {
    let pids = stage.file("pids");
    let mut monitor = stage.monitor_command(&["live".as_ref(), pids.as_ref()]);
    let died = monitor.env("FAILPOINTS", format!("{point}=1*return")).spawn().unwrap().wait().unwrap();
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
