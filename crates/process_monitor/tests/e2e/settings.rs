//! Settings, shown and changed by their names: the same rule with a monitor and without.

use crate::harness::World;
use serde_json::{Value, json};
use std::thread;

fn saved(world: &World) -> Value {
    serde_json::from_slice(&std::fs::read(world.registry()).unwrap_or_default()).unwrap_or(Value::Null)
}

fn get(world: &World, key: &str) -> Value {
    serde_json::from_str(&world.ok(&["config", "get", key, "--json"])).unwrap()
}

/// Does the same in a world without a monitor and in one with.
fn both_ways(test: impl Fn(&World)) {
    test(&World::new());
    test(&World::started());
}

#[test]
fn a_setting_is_changed_shown_and_has_its_default_again() {
    both_ways(|world| {
        let key = "remoteAccess.trustedHosts";
        let default = json!(["localhost", "127.0.0.1", "::1"]);
        assert_eq!(get(world, key), default);
        assert!(world.ok(&["config", "set", key, "localhost", "10.0.0.*"]).starts_with(key));
        assert_eq!(get(world, key), json!(["localhost", "10.0.0.*"]));
        assert_eq!(saved(world)["remoteAccess"]["trustedHosts"], json!(["localhost", "10.0.0.*"]));
        world.ok(&["config", "set", "standaloneMode", "on"]);
        world.ok(&["config", "unset", key]);
        assert_eq!(get(world, key), default);
        assert_eq!(world.ok(&["config", "get", "standaloneMode"]), "true\n");
        let all = world.ok(&["config"]);
        let line = |key: &str| all.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
        assert!(line(key).ends_with("(default)") && !line("standaloneMode").ends_with("(default)"), "{all}");
        assert_eq!(get(world, "remoteAccess")["allowRemoteStop"], true, "a group at once");
    });
}

#[test]
fn a_value_that_cannot_be_obeyed_is_refused_with_the_same_words() {
    let (file, monitor) = (World::new(), World::started());
    for (key, value) in [
        ("remoteAccess.maxBodyBytes", "0"),
        ("remoteAccess.remotePort", "70000"),
        ("remoteAccess.startRemoteAccess", "perhaps"),
        ("monitorIntervalMs", "soon"),
        ("remoteAccess.trustedHosts", "[1]"),
        ("partnerDiscovery.partnerInstanceId", "no/id"),
        ("remoteAccess", r#"{"trustedHostz":["a"]}"#),
    ] {
        let (by_rule, by_api) =
            (file.say(["config", "set", key, value]), monitor.say(["config", "set", key, value]));
        assert_eq!((by_rule.code, by_api.code), (Some(1), Some(1)), "{key} {by_rule:?} {by_api:?}");
        assert!(by_rule.stderr.contains(key), "{by_rule:?}");
        assert_eq!(by_rule.stderr, by_api.stderr);
    }
    assert_eq!(saved(&file), Value::Null);
    assert_eq!(monitor.ok(&["config", "get", "remoteAccess.maxBodyBytes"]), "1048576\n");
}

#[test]
fn what_was_set_without_a_monitor_is_in_effect_with_the_next() {
    let world = World::new();
    let said = world.say(["config", "set", "remoteAccess.trustedHosts", "[]"]);
    assert!(said.code == Some(0) && said.stderr.contains("when it starts"), "{said:?}");
    world.start();
    assert_eq!(get(&world, "remoteAccess.trustedHosts"), json!([]));
}

#[test]
fn a_name_that_nobody_knows_is_corrected() {
    let said = World::new().say(["config", "set", "remoteAccess.trustedHost", "x"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("remoteAccess.trustedHosts"), "{said:?}");
}

#[test]
fn names_are_completed() {
    let script = World::new().ok(&["completions", "bash"]);
    assert!(script.contains("remoteAccess.trustedHosts") && script.contains("standaloneMode"));
}

#[test]
fn changes_at_the_same_time_lose_nothing() {
    both_ways(|world| {
        let flags = ["Register", "Deregister", "Start", "Stop", "Disable", "Autostart"];
        thread::scope(|scope| {
            for flag in flags {
                scope.spawn(move || {
                    world.ok(&["config", "set", &format!("remoteAccess.allowRemote{flag}"), "off"])
                });
            }
        });
        for flag in flags {
            assert_eq!(get(world, &format!("remoteAccess.allowRemote{flag}")), false, "{flag}");
        }
    });
}
