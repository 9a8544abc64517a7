//! Whole trees: found, killed, and nobody else with them.

mod process_support;

use process_monitor_core::exit::Exit;
use process_monitor_core::id::RunId;
use process_monitor_core::model::StopSignal;
use process_monitor_host::process::record::RecordState;
use process_monitor_host::process::tree::{KillOutcome, Reaper, TreeQuery};
use process_monitor_host::process::{Identity, Process, figures};
use process_support::{PATIENCE, Running, Stage, all_die, announced, eventually, isolated, isolated_command, run_id, state};
use rustix::fs::{CWD, FileType, mknodat};
use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

fn query(running: &Running) -> TreeQuery<'_> {
    let process = &running.process;
    TreeQuery { leader: process.identity(), process: Some(process), run: &running.run, outputs: &[] }
}

fn kill(reaper: &Reaper, query: &TreeQuery<'_>) -> KillOutcome {
    let outcome = reaper.kill_tree(query, Instant::now() + PATIENCE).unwrap();
    assert!(outcome.survivors.is_empty(), "{outcome:?}");
    assert_eq!(reaper.leftover(query).unwrap(), []);
    outcome
}

#[test]
fn a_run_that_left_nothing() {
    let reaper = Reaper::become_subreaper().unwrap();
    let stage = Stage::new();
    let running = stage.program("true").spawn();
    assert_eq!(running.exit(), Exit::Code(0));
    assert_eq!(reaper.leftover(&query(&running)).unwrap(), []);
    assert_eq!(kill(&reaper, &query(&running)), KillOutcome::default());
}

#[test]
fn fifty_children_that_ignore_sigterm() {
    let reaper = Reaper::become_subreaper().unwrap();
    let stage = Stage::new();
    let script = "trap '' TERM; for i in $(seq 50); do sh -c 'echo $$; while :; do sleep 1000; done' & done; \
                  while [ $(wc -l < stdout) -lt 50 ]; do :; done; exit 3";
    let running = stage.script(script).spawn();
    let children = announced(&stage.stdout_path(), 50);
    assert_eq!(running.exit(), Exit::Code(3));
    assert_eq!(children.len(), 50);
    running.process.signal_group(StopSignal::Term).unwrap();
    let left = reaper.leftover(&query(&running)).unwrap();
    assert!(children.iter().all(|child| left.contains(child)), "{left:?}");
    kill(&reaper, &query(&running));
    all_die(&children);
}

#[test]
fn a_daemon_that_left_the_session() {
    let reaper = Reaper::become_subreaper().unwrap();
    let stage = Stage::new();
    // The daemon clears its environment, so that only its descent tells.
    let script = "setsid sh -c 'setsid sh -c \"echo \\$\\$; exec sleep 1000\" & sleep 1000' & sleep 1000";
    let running = stage.script(script).spawn();
    let daemon = announced(&stage.stdout_path(), 1)[0];
    let outcome = kill(&reaper, &query(&running));
    assert!(outcome.killed.contains(&daemon) && outcome.killed.contains(&running.process.identity()));
    assert_eq!(running.exit(), Exit::Signal(9));
    all_die(&[daemon]);
}

#[test]
fn a_daemon_that_outlives_its_leader() {
    let reaper = Reaper::become_subreaper().unwrap();
    let stage = Stage::new();
    let running = stage.script("setsid sh -c 'setsid sh -c \"echo \\$\\$; exec sleep 1000\" &' & wait").spawn();
    assert_eq!(running.exit(), Exit::Code(0));
    let daemon = announced(&stage.stdout_path(), 1)[0];
    assert_eq!(reaper.leftover(&query(&running)).unwrap(), [daemon], "known by the run id it inherited");
    kill(&reaper, &query(&running));
    assert_eq!(state(daemon.pid), None, "killed and reaped");
}

#[test]
fn a_member_without_the_run_id() {
    let reaper = Reaper::become_subreaper().unwrap();
    let stage = Stage::new();
    // Like nginx, which overwrites its environment; its parent is gone, its session is the leader's.
    let running = stage.script("env -i /bin/sh -c 'echo $$; exec /bin/sleep 1000' & sleep 0.01").spawn();
    let member = announced(&stage.stdout_path(), 1)[0];
    assert_eq!(running.exit(), Exit::Code(0));
    assert_eq!(reaper.leftover(&query(&running)).unwrap(), [member]);
    kill(&reaper, &query(&running));
    all_die(&[member]);
}

#[test]
fn forks_do_not_outrun_the_kill() {
    let reaper = Reaper::become_subreaper().unwrap();
    let stage = Stage::new();
    // Each generation leaves the session, forks the next one and dies.
    let script = "i=0; while [ $i -lt 3 ]; do i=$((i+1)); \
                  setsid -f sh -c 'gen() { setsid -f sh -c \"$1\" sh \"$1\"; }; sleep 0.02; gen \"$1\"' sh 'sleep 0.02; setsid -f sh -c \"$1\" sh \"$1\"' & done; \
                  echo $$; sleep 1000";
    let running = stage.script(script).spawn();
    announced(&stage.stdout_path(), 1);
    kill(&reaper, &query(&running));
    let marker = format!("TOM_PM_RUN_ID={}", running.run);
    assert_eq!(with_marker(&marker), Vec::<u32>::new());
}

fn with_marker(marker: &str) -> Vec<u32> {
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == marker.as_bytes())
    })
    .collect()
}

#[test]
fn the_tree_of_another_run_is_not_touched() {
    let reaper = Reaper::become_subreaper().unwrap();
    let (mine, other) = (Stage::new(), Stage::new());
    let script = "setsid -f sh -c 'echo $$; exec sleep 1000'";
    let (running, bystander) = (mine.script(script).spawn(), other.script(script).spawn());
    let (daemon, spared) = (announced(&mine.stdout_path(), 1)[0], announced(&other.stdout_path(), 1)[0]);
    running.exit();
    bystander.exit();
    assert_eq!(reaper.leftover(&query(&running)).unwrap(), [daemon]);
    kill(&reaper, &query(&running));
    assert!(spared.is_alive().unwrap());
    kill(&reaper, &query(&bystander));
}

/// After a downtime a session number may be anybody's.
#[test]
fn a_stranger_in_a_session_of_that_number_is_not_touched() {
    let reaper = Reaper::become_subreaper().unwrap();
    let stage = Stage::new();
    let stranger = stage.script("env -i /bin/sleep 1000 & echo $!; echo $$; sleep 1000").spawn();
    let strangers = announced(&stage.stdout_path(), 2);
    let recorded = Identity { start_time: stranger.process.identity().start_time - 1, ..stranger.process.identity() };
    let run = run_id();
    let query = TreeQuery { leader: recorded, process: None, run: &run, outputs: &[] };
    assert_eq!(reaper.leftover(&query).unwrap(), []);
    assert_eq!(kill(&reaper, &query), KillOutcome::default());
    assert!(strangers.iter().all(|stranger| stranger.is_alive().unwrap()));
    // The same with a leader that left its number to nobody.
    stranger.process.signal(StopSignal::Kill).unwrap();
    stranger.exit();
    assert_eq!(kill(&reaper, &query), KillOutcome::default());
    assert!(strangers.iter().any(|stranger| stranger.is_alive().unwrap()), "the sleeper lives on");
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
    let reaper = Reaper::become_subreaper().unwrap();
    let stage = Stage::new();
    let script = "env -i /bin/sh -c 'echo $$ >> pids; exec /bin/sleep 1000' & \
                  setsid -f sh -c 'echo $$ >> pids; exec sleep 1000'; \
                  env -i /usr/bin/setsid -f /bin/sh -c 'echo $$ >> pids; exec /bin/sleep 1000'; \
                  echo $$ >> pids; exec sleep 1000";
    let (leader, run) = spawn_by_dead_monitor(&stage, script);
    let members = announced(&stage.folder.join("pids"), 4);
    assert_eq!(members.len(), 4);
    let process = Process::adopt(&leader).unwrap().unwrap();
    let outputs = [fifo(&stage)];
    let query = TreeQuery { leader, process: Some(&process), run: &run, outputs: &outputs };
    let left = reaper.leftover(&query).unwrap();
    assert_eq!(left.len(), 3, "one by its session, one by the run id, one by its output");
    let outcome = kill(&reaper, &query);
    assert!(members.iter().all(|member| outcome.killed.contains(member)));
    all_die(&members);
}

#[test]
fn what_a_leader_left_that_died_while_no_monitor_was_there() {
    let reaper = Reaper::become_subreaper().unwrap();
    let stage = Stage::new();
    let script = "setsid -f sh -c 'echo $$ >> pids; exec sleep 1000' > /dev/null 2>&1; \
                  env -i /bin/sh -c 'echo $$ >> pids; exec /bin/sleep 1000' & \
                  env -i /bin/sh -c 'echo $$ >> hidden; exec /bin/sleep 1000' > /dev/null 2>&1 & \
                  while [ ! -s hidden ]; do :; done";
    let (leader, run) = spawn_by_dead_monitor(&stage, script);
    let members = announced(&stage.folder.join("pids"), 2);
    let hidden = announced(&stage.folder.join("hidden"), 1)[0];
    eventually("the leader ends", || !leader.is_alive().unwrap() && state(leader.pid).is_none());
    let outputs = [fifo(&stage)];
    let query = TreeQuery { leader, process: None, run: &run, outputs: &outputs };
    let outcome = kill(&reaper, &query);
    assert_eq!(outcome.killed, members.iter().copied().collect(), "one by the run id, one by its output");
    assert!(hidden.is_alive().unwrap(), "its session number alone proves nothing");
    Process::adopt(&hidden).unwrap().unwrap().signal(StopSignal::Kill).unwrap();
}

#[test]
fn orphans_are_reaped_and_managed_children_are_not() {
    isolated("orphans_are_reaped_and_managed_children_are_not", || {
        let reaper = Reaper::become_subreaper().unwrap();
        let stage = Stage::new();
        let running = stage.script("sh -c 'echo $$; kill -STOP $$; exit 1' & echo $$; wait").spawn();
        let pids = announced(&stage.stdout_path(), 2);
        let orphan = *pids.iter().find(|identity| **identity != running.process.identity()).unwrap();
        running.process.signal(StopSignal::Kill).unwrap();
        assert_eq!(running.exit(), Exit::Signal(9));
        eventually("the orphan stands still", || state(orphan.pid) == Some('T'));
        assert_eq!(reaper.reap_orphans(|_| false).unwrap(), 0);
        let held = Process::adopt(&orphan).unwrap().unwrap();
        assert!(held.is_child(), "it fell to us");
        held.signal(StopSignal::Kill).unwrap();
        assert!(held.wait(Some(PATIENCE)).unwrap());
        assert_eq!(reaper.reap_orphans(|identity| *identity == orphan).unwrap(), 0, "managed");
        assert_eq!(state(orphan.pid), Some('Z'));
        assert_eq!(reaper.reap_orphans(|_| false).unwrap(), 1);
        assert_eq!(state(orphan.pid), None);
        let child = stage.program("true").spawn();
        assert!(child.process.wait(Some(PATIENCE)).unwrap());
        assert_eq!(reaper.reap_orphans(|_| false).unwrap(), 0, "a child of another thread is no orphan");
        assert_eq!(child.exit(), Exit::Code(0));
    });
}

#[test]
fn figures_of_a_tree() {
    let stage = Stage::new();
    let running = stage.script("sh -c 'echo $$; while :; do :; done' & sleep 1000 & echo $!; wait").spawn();
    announced(&stage.stdout_path(), 2);
    let leader = running.process.identity();
    let figures = || figures::of_tree(&leader).unwrap().unwrap();
    eventually("the busy grandchild uses time", || figures().cpu >= Duration::from_millis(20));
    assert_eq!(figures().processes, 3);
    assert!((100_000..1_000_000_000).contains(&figures().memory_bytes), "{:?}", figures());
    assert_eq!(figures::of_tree(&Identity { start_time: 1, ..leader }).unwrap(), None);
}
