//! What a next monitor finds of one that was killed.

use crate::platform::{KILLED, is_ended};
use crate::stage::{Stage, Test, all_die, announced, exit_of, kill as kill_monitor};
use crate::trees::{kill, query};
use process_monitor_core::exit::Exit;
use process_monitor_core::model::StopSignal;
use process_monitor_host::process::record::RecordState;
use process_monitor_host::process::{Identity, Process};
use std::ffi::OsStr;

pub const TESTS: &[Test] = &[
    ("a_program_is_taken_over_with_its_tree", a_program_is_taken_over_with_its_tree),
    ("the_exit_of_who_was_taken_over_is_known", the_exit_of_who_was_taken_over_is_known),
    ("what_a_leader_left_while_no_monitor_was_there", what_a_leader_left_while_no_monitor_was_there),
    ("who_was_taken_over_is_asked_to_end", who_was_taken_over_is_asked_to_end),
];

/// The program of a monitor that was killed.
fn orphaned(stage: &Stage, act: &[&OsStr]) -> Identity {
    kill_monitor(stage.monitor(act));
    let found = stage.record();
    let RecordState::Spawned(leader) = found.state else { panic!("{found:?}") };
    leader
}

fn a_program_is_taken_over_with_its_tree() {
    let stage = Stage::new();
    let path = stage.file("pids");
    let leader = orphaned(&stage, &["family".as_ref(), path.as_ref(), "live".as_ref()]);
    let members = announced(&path, 4);
    assert_eq!(members.len(), 4);
    let run = stage.record().intent.run;
    let process = Process::adopt(&leader).unwrap().unwrap();
    let outcome = kill(&query(leader, Some(&process), &run));
    assert!(members.iter().all(|member| outcome.killed.contains(member)), "{outcome:?} of {members:?}");
    all_die(&members);
}

fn the_exit_of_who_was_taken_over_is_known() {
    let stage = Stage::new();
    let path = stage.file("pids");
    let leader = orphaned(&stage, &["live".as_ref(), path.as_ref()]);
    announced(&path, 1);
    let process = Process::adopt(&leader).unwrap().unwrap();
    assert_eq!(process.try_exit().unwrap(), None);
    assert!(process.signal_group(StopSignal::Kill).unwrap());
    // Who reaps it is another; before Linux 6.15 nobody can say more.
    let exit = exit_of(&process);
    assert!(exit == KILLED || (cfg!(unix) && exit == Exit::Unknown), "{exit:?}");
}

fn what_a_leader_left_while_no_monitor_was_there() {
    let stage = Stage::new();
    let path = stage.file("pids");
    let leader = orphaned(&stage, &["family".as_ref(), path.as_ref(), "end".as_ref()]);
    let members: Vec<Identity> = announced(&path, 4).into_iter().filter(|member| *member != leader).collect();
    crate::stage::eventually("the leader ends", || !leader.is_alive().unwrap());
    let run = stage.record().intent.run;
    let outcome = kill(&query(leader, None, &run));
    assert_eq!(outcome.killed, members.iter().copied().collect());
    all_die(&members);
}

fn who_was_taken_over_is_asked_to_end() {
    let stage = Stage::new();
    process_monitor_host::process::asking::set_helper(vec![crate::stage::me().into_os_string()]);
    let path = stage.file("pids");
    let leader = orphaned(&stage, &["live".as_ref(), path.as_ref()]);
    announced(&path, 1);
    let process = Process::adopt(&leader).unwrap().unwrap();
    assert!(process.signal_group(StopSignal::Term).unwrap());
    let exit = exit_of(&process);
    assert!(is_ended(exit) || (cfg!(unix) && exit == Exit::Unknown), "{exit:?}");
}
