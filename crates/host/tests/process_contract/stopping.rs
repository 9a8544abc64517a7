//! Asking programs to end, and what becomes of those that do not.

use crate::platform::{KILLED, is_ended, is_obeyed};
use crate::stage::{Running, Stage, Test, announced, me};
use crate::trees::{kill, query};
use process_monitor_core::model::StopSignal;
use process_monitor_host::process::asking;
use std::time::Duration;

pub const TESTS: &[Test] = &[
    ("who_is_asked_to_end_ends", who_is_asked_to_end_ends),
    ("who_catches_it_ends_in_his_own_way", who_catches_it_ends_in_his_own_way),
    ("who_ignores_it_goes_on_until_he_is_killed", who_ignores_it_goes_on_until_he_is_killed),
    ("the_whole_group_is_asked", the_whole_group_is_asked),
    ("many_are_asked_at_once", many_are_asked_at_once),
];

fn started(stage: &Stage, verb: &str) -> Running {
    // Where the helper is this executable, as it is of a monitor.
    asking::set_helper(vec![me().into_os_string()]);
    let path = stage.file(&format!("pids-{verb}"));
    let running = stage.act(verb).arg(&path).spawn();
    announced(&path, 1);
    running
}

fn who_is_asked_to_end_ends() {
    let stage = Stage::new();
    let running = started(&stage, "live");
    assert!(running.process.signal_group(StopSignal::Term).unwrap());
    assert!(is_ended(running.exit()));
}

fn who_catches_it_ends_in_his_own_way() {
    let stage = Stage::new();
    let running = started(&stage, "obey");
    assert!(running.process.signal(StopSignal::Term).unwrap());
    assert!(is_obeyed(running.exit()));
}

fn who_ignores_it_goes_on_until_he_is_killed() {
    let stage = Stage::new();
    let deaf = started(&stage, "deaf");
    let obedient = Stage::new();
    let obedient = started(&obedient, "obey");
    assert!(deaf.process.signal_group(StopSignal::Term).unwrap());
    // Asked after it, and so carried out after it.
    assert!(obedient.process.signal_group(StopSignal::Term).unwrap());
    assert!(is_obeyed(obedient.exit()));
    assert!(!deaf.process.wait(Some(Duration::from_millis(300))).unwrap());
    kill(&query(deaf.identity(), Some(&deaf.process), &deaf.run));
    assert_eq!(deaf.exit(), KILLED);
}

fn the_whole_group_is_asked() {
    let stage = Stage::new();
    asking::set_helper(vec![me().into_os_string()]);
    let path = stage.file("pids");
    let running = stage.act("family").arg(&path).arg("live").spawn();
    let members = announced(&path, 4);
    assert!(running.process.signal_group(StopSignal::Term).unwrap());
    assert!(is_ended(running.exit()));
    // The child in the group ends as well; who broke away is killed with the tree.
    crate::stage::eventually("two end", || {
        members.iter().filter(|member| !member.is_alive().unwrap()).count() >= 2
    });
    kill(&query(running.identity(), Some(&running.process), &running.run));
}

fn many_are_asked_at_once() {
    let stages: Vec<Stage> = (0..12).map(|_| Stage::new()).collect();
    let running: Vec<Running> = stages.iter().map(|stage| started(stage, "obey")).collect();
    for running in &running {
        assert!(running.process.signal_group(StopSignal::Term).unwrap());
    }
    for running in &running {
        assert!(is_obeyed(running.exit()));
    }
}
