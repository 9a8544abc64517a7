//! Two monitors keep each other alive.

use crate::Test;
use crate::world::{World, eventually};

pub const TESTS: &[Test] = &[("pair::each_starts_the_other_again", each_starts_the_other_again)];

fn each_starts_the_other_again() {
    let world = World::new();
    world.ok::<&str>([]);
    for instance in ["watcher", "default"] {
        eventually("both run", || world.monitor("watcher").is_some() && world.monitor("default").is_some());
        let before = world.monitor(instance);
        world.kill_monitor(instance);
        eventually("it is there again", || world.monitor(instance).is_some_and(|now| Some(now) != before));
    }
}
