//! A program is kept alive, whoever is killed.

use crate::Test;
use crate::world::{World, kill};
use process_monitor_host::process::Identity;

pub const TESTS: &[Test] = &[
    ("kept_alive::a_program_comes_back_from_each_of_five_kills", comes_back_from_five_kills),
    ("kept_alive::a_program_runs_on_while_its_monitor_is_killed", runs_on_without_monitor),
];

fn comes_back_from_five_kills() {
    let world = World::alone();
    world.run("web", "count");
    let mut pid = world.running("web");
    for restarts in 1..=5 {
        kill(Identity::of(pid).unwrap().expect("it runs"));
        pid = world.running_as_other_than("web", pid);
        assert_eq!(world.process("web")["restartAttempts"], restarts);
    }
}

fn runs_on_without_monitor() {
    let world = World::alone();
    world.run("web", "count");
    let before = world.running("web");
    let identity = Identity::of(before).unwrap().expect("it runs");
    world.kill_monitor("default");
    assert!(identity.is_alive().unwrap(), "it does not go with its monitor");
    world.start();
    assert_eq!(world.running("web"), before, "the next monitor takes it over");
    kill(identity);
    world.running_as_other_than("web", before);
}
