//! A monitor that is killed at any moment of a start leaves a record that tells the truth.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a panic is how a test fails

mod process_support;

use process_monitor_core::model::StopSignal;
use process_monitor_host::process::record::RecordState;
use process_monitor_host::process::{Identity, Process};
use process_support::{PATIENCE, Stage, eventually, isolated_command};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// Whether an emulator of user programs (qemu-user) runs this: who runs the tests says so, for it shows itself to nobody.
fn is_emulated() -> bool {
    std::env::var_os("PM_TEST_EMULATED").is_some()
}

/// The body of a monitor that is killed: spawns in the folder it is told.
fn spawn_where_told(times: usize) {
    let Some(folder) = std::env::var_os("PM_TEST_FOLDER") else { return };
    let stage = Stage::in_folder(Path::new(&folder));
    for _ in 0..times {
        // Each says who it is, so that the test sees what really runs.
        let program = stage.script(r#"echo $TOM_PM_RUN_ID $$; exec sleep 1000"#);
        std::mem::forget(program.spawn());
    }
}

#[test]
#[ignore = "the victim of the tests below"]
fn victim() {
    spawn_where_told(100_000);
}

/// The truth after a kill: what the record says runs is what runs of that run, and nothing else.
fn check_truth(stage: &Stage) -> Option<RecordState> {
    if !stage.record_path().exists() {
        return None;
    }
    let found = stage.record();
    let line = |text: &str, run: &str| {
        text.lines().find_map(|line| line.strip_prefix(run)?.trim().parse::<u32>().ok())
    };
    match found.state {
        RecordState::Spawned(identity) => {
            eventually("the recorded one announces itself or is gone", || {
                let output = fs::read_to_string(stage.stdout_path()).unwrap_or_default();
                match line(&output, found.intent.run.as_str()) {
                    Some(pid) => {
                        assert_eq!(pid, identity.pid, "another one runs");
                        true
                    }
                    None => !identity.is_alive().unwrap(),
                }
            });
        }
        RecordState::IntentOnly => {
            let marker = format!("TOM_PM_RUN_ID={}\0", found.intent.run);
            for entry in fs::read_dir("/proc").unwrap() {
                let environment = fs::read(entry.unwrap().path().join("environ")).unwrap_or_default();
                assert!(
                    !environment.windows(marker.len()).any(|part| part == marker.as_bytes()),
                    "it runs unrecorded"
                );
            }
        }
        other => panic!("{other:?}"),
    }
    Some(found.state)
}

/// Kills whatever the victim started: also those of its runs that had not come to say who they are.
fn kill_started(stage: &Stage) {
    let marker = format!("PM_TEST_FOLDER={}", stage.folder.display());
    eventually("all that was started is gone", || {
        let (started, undecided) = with_variable(&marker);
        for process in started.iter().filter_map(|identity| Process::adopt(identity).unwrap()) {
            process.signal(StopSignal::Kill).unwrap();
            process.wait(Some(PATIENCE)).unwrap();
        }
        started.is_empty() && undecided == 0
    });
}

/// Who has `variable` in its environment, and how many are in the middle of an exec and show nothing.
fn with_variable(variable: &str) -> (Vec<Identity>, usize) {
    let pids =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let (mut found, mut undecided) = (Vec::new(), 0);
    for pid in pids {
        // Known before its environment is read, so that it is this one that is killed.
        let Some(identity) = Identity::of(pid).unwrap() else { continue };
        let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
        let environment = read("environ");
        if environment.split(|byte| *byte == 0).any(|found| found == variable.as_bytes()) {
            found.push(identity);
        } else if environment.is_empty() && read("cmdline").is_empty() {
            undecided += usize::from(fs::read_link(format!("/proc/{pid}/exe")).is_ok());
        }
    }
    (found, undecided)
}

#[test]
fn a_monitor_killed_at_any_moment_leaves_the_truth() {
    let mut seen = Vec::new();
    // A start takes long where each step of it is translated.
    let step = if is_emulated() { 2003 } else { 97 };
    for round in 0..60 {
        let stage = Stage::new();
        let mut monitor = isolated_command("victim")
            .env("PM_TEST_FOLDER", &stage.folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        eventually("it begins", || stage.record_path().exists());
        // Not a wait for a condition: the moment of the kill is the subject, and has to vary.
        std::thread::sleep(Duration::from_micros(step * round));
        monitor.kill().unwrap();
        monitor.wait().unwrap();
        seen.extend(check_truth(&stage));
        kill_started(&stage);
    }
    assert!(seen.iter().any(|state| matches!(state, RecordState::Spawned(_))), "{seen:?}");
}

#[cfg(feature = "failpoints")]
mod crash_points {
    use super::*;

    #[test]
    #[ignore = "the victim of the tests below"]
    fn victim_of_crash_points() {
        let _scenario = fail::FailScenario::setup();
        spawn_where_told(1);
    }

    fn state_after_kill_at(point: &str) -> Option<RecordState> {
        let stage = Stage::new();
        let mut monitor = isolated_command("crash_points::victim_of_crash_points");
        monitor.env("PM_TEST_FOLDER", &stage.folder).env("FAILPOINTS", format!("{point}=1*return"));
        let status = monitor.output().unwrap().status;
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&status),
            Some(libc::SIGKILL),
            "{point} is reached"
        );
        let state = check_truth(&stage);
        kill_started(&stage);
        state
    }

    #[test]
    fn each_leaves_the_truth() {
        assert_eq!(state_after_kill_at("record::before_rename"), None);
        assert_eq!(state_after_kill_at("record::after_rename"), Some(RecordState::IntentOnly));
        assert_eq!(state_after_kill_at("spawn::before_clone"), Some(RecordState::IntentOnly));
        // Where a child is a copy, and an emulator's threads are not, it may not come to its first step.
        let state = state_after_kill_at("spawn::after_clone");
        let is_unborn = is_emulated() && state == Some(RecordState::IntentOnly);
        assert!(is_unborn || matches!(state, Some(RecordState::Spawned(_))), "{state:?}");
    }
}
