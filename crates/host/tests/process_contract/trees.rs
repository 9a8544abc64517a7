//! What belongs to a run, and killing all of it.

use crate::stage::{PATIENCE, Stage, Test, all_die, announced};
use process_monitor_core::exit::Exit;
use process_monitor_core::model::StopSignal;
use process_monitor_host::process::figures;
use process_monitor_host::process::tree::{KillOutcome, Reaper, TreeQuery};
use process_monitor_host::process::{Identity, Process};
use std::collections::BTreeSet;
use std::time::Instant;

pub const TESTS: &[Test] = &[
    ("a_tree_is_killed_with_those_that_tried_to_break_away", a_tree_is_killed),
    ("what_a_leader_left_is_found_and_killed", what_a_leader_left_is_found_and_killed),
    ("a_group_is_reached_after_its_leaders_end", a_group_is_reached_after_its_leaders_end),
    ("who_belongs_to_a_run_is_vouched_for", who_belongs_to_a_run_is_vouched_for),
    ("a_run_that_left_nothing_has_nothing_left", a_run_that_left_nothing_has_nothing_left),
    ("figures_are_those_of_the_tree", figures_are_those_of_the_tree),
];

pub fn query<'a>(
    leader: Identity,
    process: Option<&'a Process>,
    run: &'a process_monitor_core::id::RunId,
) -> TreeQuery<'a> {
    TreeQuery { leader, process, main: None, run, outputs: &[] }
}

pub fn kill(query: &TreeQuery<'_>) -> KillOutcome {
    let reaper = Reaper::become_subreaper().unwrap();
    let outcome = reaper.kill_tree(query, Instant::now() + PATIENCE).unwrap();
    assert!(outcome.survivors.is_empty(), "{outcome:?}");
    assert_eq!(reaper.leftover(query).unwrap(), []);
    outcome
}

fn a_tree_is_killed() {
    let stage = Stage::new();
    let path = stage.file("pids");
    let running = stage.act("family").arg(&path).arg("live").spawn();
    let members = announced(&path, 4);
    assert_eq!(members.len(), 4);
    let query = query(running.identity(), Some(&running.process), &running.run);
    let reaper = Reaper::become_subreaper().unwrap();
    let left: BTreeSet<Identity> = reaper.leftover(&query).unwrap().into_iter().collect();
    assert!(members.iter().all(|member| *member == running.identity() || left.contains(member)), "{left:?}");
    let outcome = kill(&query);
    assert!(members.iter().all(|member| outcome.killed.contains(member)), "{outcome:?} of {members:?}");
    all_die(&members);
}

fn what_a_leader_left_is_found_and_killed() {
    let stage = Stage::new();
    let path = stage.file("pids");
    let running = stage.act("family").arg(&path).arg("end").spawn();
    assert_eq!(running.exit(), Exit::Code(0));
    let members: Vec<Identity> =
        announced(&path, 4).into_iter().filter(|member| *member != running.identity()).collect();
    assert_eq!(members.len(), 3);
    let query = query(running.identity(), Some(&running.process), &running.run);
    let reaper = Reaper::become_subreaper().unwrap();
    assert!(reaper.may_have_left(&query).unwrap());
    assert_eq!(reaper.leftover(&query).unwrap().len(), 3);
    let outcome = kill(&query);
    assert_eq!(outcome.killed, members.iter().copied().collect());
    all_die(&members);
}

fn a_group_is_reached_after_its_leaders_end() {
    let stage = Stage::new();
    let path = stage.file("pids");
    let running = stage.act("family").arg(&path).arg("end").spawn();
    running.exit();
    let members = announced(&path, 4);
    assert!(running.process.signal_group(StopSignal::Kill).unwrap());
    eventually_fewer(&members);
    kill(&query(running.identity(), Some(&running.process), &running.run));
    all_die(&members);
}

/// At least those that did not break away.
fn eventually_fewer(members: &[Identity]) {
    crate::stage::eventually("one dies", || members.iter().any(|member| !member.is_alive().unwrap()));
}

fn who_belongs_to_a_run_is_vouched_for() {
    let stage = Stage::new();
    let path = stage.file("pids");
    let running = stage.act("family").arg(&path).arg("live").spawn();
    let members = announced(&path, 4);
    let query = query(running.identity(), Some(&running.process), &running.run);
    let reaper = Reaper::become_subreaper().unwrap();
    for member in &members {
        let vouched = reaper.vouch(&query, member.pid).unwrap().unwrap();
        assert_eq!(vouched.identity(), *member);
    }
    let elsewhere = Stage::new();
    let stranger = elsewhere.act("live").spawn();
    for stranger in [stranger.identity().pid, std::process::id(), 0, 1, u32::MAX] {
        assert!(reaper.vouch(&query, stranger).unwrap().is_none(), "{stranger}");
    }
    kill(&query);
    assert!(stranger.identity().is_alive().unwrap(), "only the tree is killed");
}

fn a_run_that_left_nothing_has_nothing_left() {
    let stage = Stage::new();
    let running = stage.act("exit").arg("3").spawn();
    assert_eq!(running.exit(), Exit::Code(3));
    let query = query(running.identity(), Some(&running.process), &running.run);
    let reaper = Reaper::become_subreaper().unwrap();
    assert_eq!(reaper.leftover(&query).unwrap(), []);
    assert_eq!(kill(&query), KillOutcome::default());
}

fn figures_are_those_of_the_tree() {
    let stage = Stage::new();
    let path = stage.file("pids");
    let running = stage.act("family").arg(&path).arg("live").spawn();
    announced(&path, 4);
    let mut seen = figures::Figures::default();
    crate::stage::eventually("leader and children are counted", || {
        seen = figures::of_tree(&running.identity()).unwrap().unwrap();
        seen.processes >= 3
    });
    assert!(seen.memory_bytes > 100_000, "{seen:?}");
    let other = Identity { start_time: 1, ..running.identity() };
    assert_eq!(figures::of_tree(&other).unwrap(), None);
    kill(&query(running.identity(), Some(&running.process), &running.run));
}
