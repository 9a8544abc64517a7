//! Two monitors keep each other alive.

use crate::Test;
use crate::world::{World, eventually};
use serde_json::Value;

pub const TESTS: &[Test] =
    &[("pair::each_replaces_the_other_and_nothing_is_stopped", each_replaces_the_other)];

fn each_replaces_the_other() {
    let world = World::new();
    for (instance, _) in BOTH {
        world.ok(["--instance", instance]);
    }
    await_pair(&world);
    world.run("web", "count");
    let web = world.running("web");
    for (victim, other) in [BOTH[0], BOTH[1], BOTH[0]] {
        let (old, well) = (world.monitor(victim), world.monitor(other));
        world.kill_monitor(victim);
        eventually("it is replaced", || world.monitor(victim).is_some_and(|new| Some(new) != old));
        await_pair(&world);
        assert_eq!(world.monitor(other), well, "who is well is left alone");
        assert_eq!((world.running("web"), world.runs("web").len()), (web, 1), "after {victim}");
    }
}

/// Each and its partner.
const BOTH: [(&str, &str); 2] = [("default", "watcher"), ("watcher", "default")];

/// Waits until both run and each watches the other: who is killed before its partner knew of it is missed by nobody.
fn await_pair(world: &World) {
    let sees = |(instance, partner)| {
        let (status, partner) = (status(world, instance), world.monitor(partner));
        status["partnerStatus"] == "running"
            && partner.is_some_and(|partner| status["partnerPid"] == partner.pid)
    };
    eventually("each watches the other", || BOTH.into_iter().all(sees));
}

/// What the monitor of `instance` says of itself; `Null` while it does not answer.
fn status(world: &World, instance: &str) -> Value {
    let said = world.command(["--instance", instance, "--status", "--json"]).output().unwrap();
    serde_json::from_slice(&said.stdout).unwrap_or_default()
}
