//! Programs are asked to end before they are killed.

use crate::Test;
use crate::world::{World, eventually};
use process_monitor_host::signals::hear_of_stop;
use std::fs;

pub const TESTS: &[Test] = &[
    ("stopping::a_program_that_obeys_ends_by_itself", obeys),
    ("stopping::with_the_monitor_ends_what_it_manages", ends_with_the_monitor),
];

fn obeys() {
    let world = World::alone();
    world.run("web", "obey");
    let said = || fs::read_to_string(world.runs("web")[0].join("stdout.log")).unwrap_or_default();
    // Until it has said so it does not hear.
    eventually("it waits", || said().contains("waiting"));
    world.ok(["stop", "web"]);
    let process = world.process("web");
    // Where it cannot hear of it, being asked ends it: with another code than being killed.
    let code = if hear_of_stop() { 0 } else { 1 };
    assert_eq!(
        (&process["state"], &process["lastExit"]["code"]),
        (&"stopped".into(), &code.into()),
        "{process}"
    );
    if hear_of_stop() {
        eventually("its last word is kept", || said().contains("good bye"));
    }
}

fn ends_with_the_monitor() {
    let world = World::alone();
    world.run("web", "obey");
    let pid = world.running("web");
    let identity = process_monitor_host::process::Identity::of(pid).unwrap().expect("it runs");
    world.ok(["--stop"]);
    assert!(!identity.is_alive().unwrap());
    assert_eq!(world.monitor("default"), None);
}
