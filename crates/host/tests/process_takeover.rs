//! Trees that were taken over from a monitor that is gone: their orphans fall to others, and what is
//! recorded may be out of date.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a panic is how a test fails

mod process_support;

use process_monitor_core::id::RunId;
use process_monitor_core::model::StopSignal;
use process_monitor_host::process::record::RecordState;
use process_monitor_host::process::tree::{KillOutcome, Reaper, TreeQuery};
use process_monitor_host::process::{Identity, Process};
use process_support::{PATIENCE, Stage, all_die, announced, eventually, isolated, isolated_command, state};
use rustix::fs::{CWD, FileType, mknodat};
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

fn kill(reaper: &Reaper, query: &TreeQuery<'_>) -> KillOutcome {
    let outcome = reaper.kill_tree(query, Instant::now() + PATIENCE).unwrap();
    assert!(outcome.survivors.is_empty(), "{outcome:?}");
    assert_eq!(reaper.leftover(query).unwrap(), []);
    outcome
}

/// Spawns `script` in a monitor that is gone when this returns, with a FIFO as its output.
fn spawn_by_dead_monitor(stage: &Stage, script: &str) -> (Identity, RunId) {
    let mut monitor = isolated_command("short_lived_monitor");
    monitor.env("PM_TEST_FOLDER", &stage.folder).env("PM_TEST_SCRIPT", script);
    assert!(monitor.stdout(Stdio::null()).status().unwrap().success());
    let found = stage.record();
    let RecordState::Spawned(leader) = found.state else { panic!("{found:?}") };
    (leader, found.intent.run)
}

fn fifo(stage: &Stage) -> PathBuf {
    stage.folder.join("out")
}

#[test]
#[ignore = "part of the tests below"]
fn short_lived_monitor() {
    let Some(folder) = std::env::var_os("PM_TEST_FOLDER") else { return };
    let stage = Stage::in_folder(folder.as_ref());
    mknodat(CWD, fifo(&stage), FileType::Fifo, 0o600.into(), 0).unwrap();
    let output = OpenOptions::new().read(true).write(true).open(fifo(&stage)).unwrap();
    std::mem::forget(stage.script(&std::env::var("PM_TEST_SCRIPT").unwrap()).spawn_with(&output));
}

#[test]
fn a_tree_taken_over_from_a_dead_monitor() {
    isolated("a_tree_taken_over_from_a_dead_monitor", || {
        let stage = Stage::new();
        let script = "env -i /bin/sh -c 'echo $$ >> pids; exec /bin/sleep 1000' & \
                  setsid -f sh -c 'echo $$ >> pids; exec sleep 1000'; \
                  env -i /usr/bin/setsid -f /bin/sh -c 'echo $$ >> pids; exec /bin/sleep 1000'; \
                  echo $$ >> pids; exec sleep 1000";
        let (leader, run) = spawn_by_dead_monitor(&stage, script);
        let reaper = Reaper::become_subreaper().unwrap();
        let members = announced(&stage.folder.join("pids"), 4);
        assert_eq!(members.len(), 4);
        let process = Process::adopt(&leader).unwrap().unwrap();
        assert!(!process.is_child());
        let outputs = [fifo(&stage)];
        let query = TreeQuery { leader, process: Some(&process), main: None, run: &run, outputs: &outputs };
        let left = reaper.leftover(&query).unwrap();
        assert_eq!(left.len(), 3, "one by its session, one by the run id, one by its output");
        let outcome = kill(&reaper, &query);
        assert!(members.iter().all(|member| outcome.killed.contains(member)));
        all_die(&members);
    });
}

#[test]
fn what_a_leader_left_that_died_while_no_monitor_was_there() {
    isolated("what_a_leader_left_that_died_while_no_monitor_was_there", || {
        let stage = Stage::new();
        let script = "setsid -f sh -c 'echo $$ >> pids; exec sleep 1000' > /dev/null 2>&1; \
                  env -i /bin/sh -c 'echo $$ >> pids; exec /bin/sleep 1000' & \
                  env -i /bin/sh -c 'echo $$ >> hidden; exec /bin/sleep 1000' > /dev/null 2>&1 & \
                  while [ ! -s hidden ]; do :; done";
        let (leader, run) = spawn_by_dead_monitor(&stage, script);
        let reaper = Reaper::become_subreaper().unwrap();
        let members = announced(&stage.folder.join("pids"), 2);
        let hidden = announced(&stage.folder.join("hidden"), 1)[0];
        eventually("the leader ends", || !leader.is_alive().unwrap() && state(leader.pid).is_none());
        let outputs = [fifo(&stage)];
        let query = TreeQuery { leader, process: None, main: None, run: &run, outputs: &outputs };
        let outcome = kill(&reaper, &query);
        assert_eq!(outcome.killed, members.iter().copied().collect(), "one by the run id, one by its output");
        assert!(hidden.is_alive().unwrap(), "its session number alone proves nothing");
        Process::adopt(&hidden).unwrap().unwrap().signal(StopSignal::Kill).unwrap();
    });
}
