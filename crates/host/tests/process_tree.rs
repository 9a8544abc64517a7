//! Whole trees: found, killed, and nobody else with them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a panic is how a test fails

mod process_support;

use process_monitor_core::exit::Exit;
use process_monitor_core::model::StopSignal;
use process_monitor_host::process::tree::{KillOutcome, Reaper, TreeQuery};
use process_monitor_host::process::{Identity, Process, figures};
use process_support::{PATIENCE, Running, Stage, all_die, announced, eventually, isolated, run_id, state};
use std::fs;
use std::time::{Duration, Instant};

fn query(running: &Running) -> TreeQuery<'_> {
    let process = &running.process;
    TreeQuery {
        leader: process.identity(),
        process: Some(process),
        main: None,
        run: &running.run,
        outputs: &[],
    }
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
    let script = "setsid sh -c 'setsid sh -c \"echo \\$\\$; exec sleep 1000\" & sleep 1000' & sleep 1000";
    let running = stage.script(script).spawn();
    let daemon = announced(&stage.stdout_path(), 1)[0];
    let outcome = kill(&reaper, &query(&running));
    assert!(outcome.killed.contains(&daemon) && outcome.killed.contains(&running.process.identity()));
    assert_eq!(running.exit(), Exit::Signal(9));
    let others = outcome.killed.iter().filter(|killed| **killed != running.process.identity());
    assert!(others.into_iter().all(|killed| state(killed.pid).is_none()), "all of them are reaped");
}

#[test]
fn a_daemon_that_outlives_its_leader() {
    let reaper = Reaper::become_subreaper().unwrap();
    let stage = Stage::new();
    let running =
        stage.script("setsid sh -c 'setsid sh -c \"echo \\$\\$; exec sleep 1000\" &' & wait").spawn();
    assert_eq!(running.exit(), Exit::Code(0));
    let daemon = announced(&stage.stdout_path(), 1)[0];
    assert_eq!(reaper.leftover(&query(&running)).unwrap(), [daemon], "known by the run id it inherited");
    kill(&reaper, &query(&running));
    assert_eq!(state(daemon.pid), None, "killed and reaped");
}

#[test]
fn a_program_that_is_handed_from_child_to_child_is_never_seen_as_gone() {
    let reaper = Reaper::become_subreaper().unwrap();
    let stage = Stage::new();
    // As one that makes itself a daemon, only more often: at any time exactly one of them lives, in a session of its own.
    let script = "import os, time\n\
                  for _ in range(500):\n    if os.fork(): os._exit(0)\n    os.setsid()\n\
                  print(os.getpid(), flush=True)\ntime.sleep(1000)";
    let running = stage.program("python3").arg("-c").arg(script).spawn();
    assert_eq!(running.exit(), Exit::Code(0));
    let mut looks = 0;
    while fs::read_to_string(stage.stdout_path()).unwrap().is_empty() {
        looks += 1;
        assert_ne!(reaper.leftover(&query(&running)).unwrap(), [], "look {looks}");
    }
    kill(&reaper, &query(&running));
}

#[test]
fn a_member_without_the_run_id() {
    let reaper = Reaper::become_subreaper().unwrap();
    let stage = Stage::new();
    // Like nginx, which overwrites its environment; its parent is gone, its session is the leader's.
    let running = stage
        .script("env -i /bin/sh -c 'echo $$; exec /bin/sleep 1000' & while [ ! -s stdout ]; do :; done")
        .spawn();
    let member = announced(&stage.stdout_path(), 1)[0];
    assert_eq!(running.exit(), Exit::Code(0));
    assert_eq!(reaper.leftover(&query(&running)).unwrap(), [member]);
    kill(&reaper, &query(&running));
    all_die(&[member]);
}

#[test]
fn a_member_in_a_group_of_its_own_without_the_run_id() {
    let reaper = Reaper::become_subreaper().unwrap();
    let stage = Stage::new();
    // With job control, which sh has at terminals only, each job is a group: it shares but the session.
    let script = "set -m; env -i /bin/sh -c 'echo $$; exec /bin/sleep 1000' & \
                  while [ ! -s stdout ]; do :; done";
    let running = stage.program("bash").arg("-c").arg(script).spawn();
    let member = announced(&stage.stdout_path(), 1)[0];
    assert_eq!(running.exit(), Exit::Code(0));
    assert!(!running.process.signal_group(StopSignal::Term).unwrap(), "it is not in the leader's group");
    assert_eq!(reaper.leftover(&query(&running)).unwrap(), [member]);
    kill(&reaper, &query(&running));
    all_die(&[member]);
}

#[test]
fn descendants_that_only_their_parents_betray() {
    let reaper = Reaper::become_subreaper().unwrap();
    let stage = Stage::new();
    let script = "setsid sh -c 'echo $$; env -i /usr/bin/setsid /bin/sh -c \"echo \\$\\$; exec /bin/sleep 1000\" & wait' & \
                  while [ $(wc -l < stdout) -lt 2 ]; do :; done";
    let running = stage.script(script).spawn();
    assert_eq!(running.exit(), Exit::Code(0));
    let mut family = announced(&stage.stdout_path(), 2);
    let mut left = reaper.leftover(&query(&running)).unwrap();
    family.sort();
    left.sort();
    assert_eq!(left, family);
    kill(&reaper, &query(&running));
    assert!(family.iter().all(|member| state(member.pid).is_none()), "all of them are reaped");
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
    let pids =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
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
    let recorded =
        Identity { start_time: stranger.process.identity().start_time - 1, ..stranger.process.identity() };
    let run = run_id();
    let query = TreeQuery { leader: recorded, process: None, main: None, run: &run, outputs: &[] };
    assert_eq!(reaper.leftover(&query).unwrap(), []);
    assert_eq!(kill(&reaper, &query), KillOutcome::default());
    assert!(strangers.iter().all(|stranger| stranger.is_alive().unwrap()));
    // The same with a leader that left its number to nobody.
    stranger.process.signal(StopSignal::Kill).unwrap();
    stranger.exit();
    assert_eq!(kill(&reaper, &query), KillOutcome::default());
    assert!(strangers.iter().any(|stranger| stranger.is_alive().unwrap()), "the sleeper lives on");
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
