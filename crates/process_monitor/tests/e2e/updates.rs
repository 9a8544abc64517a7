//! `update`: what is given is changed and nothing else, with a monitor, without one, and from afar.

use crate::harness::{World, command_line, variable_of};
use serde_json::{Value, json};

/// A process as the registry's file has it.
fn registered(world: &World, id: &str) -> Value {
    let registry: Value = serde_json::from_slice(&std::fs::read(world.registry()).unwrap()).unwrap();
    registry["processes"][id].clone()
}

fn add(world: &World) {
    let options =
        ["--env", "A=1", "--env", "B.C=2", "--health-tcp", "127.0.0.1:9", "--health-failures", "1000"];
    world.ok(&[&["add", "--name", "web"][..], &options, &["--", "sleep", "100000"]].concat());
}

#[test]
fn what_is_given_is_changed_and_all_else_stays() {
    for with_monitor in [true, false] {
        let world = if with_monitor { World::started() } else { World::new() };
        add(&world);
        let before = registered(&world, "web");
        world.ok(&[
            "update",
            "web",
            "--env",
            "A=9",
            "--unset",
            "environment.B.C",
            "--health-interval",
            "10s",
        ]);
        world.ok(&[
            "update",
            "web",
            "--health-url",
            "http://127.0.0.1:9/",
            "--max-delay",
            "9s",
            "--delay",
            "1s",
        ]);
        world.ok(&["update", "web", "--keep-runs", "3", "--", "sleep", "200000"]);
        let mut expected = before;
        expected["environment"] = json!({ "A": "9" });
        expected["args"] = json!(["200000"]);
        let check = json!({
            "enabled": true, "url": "http://127.0.0.1:9/", "intervalMs": 10000, "timeoutMs": 2000,
            "consecutiveFailuresRequired": 1000
        });
        expected["alivenessCheck"] = check;
        let after = registered(&world, "web");
        assert_eq!(
            (&after["restartPolicy"]["delayMs"], &after["restartPolicy"]["maxDelayMs"]),
            (&json!(1000), &json!(9000))
        );
        assert_eq!(after["logs"]["keepRuns"], 3);
        let same =
            |field: &str| assert_eq!(after[field], expected[field], "{field}, monitor: {with_monitor}");
        expected.as_object().unwrap().keys().for_each(|field| same(field));
        // The other form of waits takes the place of the first.
        world.ok(&["update", "web", "--backoff", "7s"]);
        let policy = &registered(&world, "web")["restartPolicy"];
        assert_eq!((&policy["backoffIntervalsMs"], policy.get("delayMs")), (&json!([7000]), None));
    }
}

#[test]
fn a_restart_is_said_to_be_needed_and_done_when_asked_for() {
    let world = World::started();
    let url = world.api();
    add(&world);
    world.ok(&["start", "web"]);
    let pid = world.pid_of("web").unwrap();
    assert!(world.ok(&["update", "web", "--stop-timeout", "3s"]).contains("takes no restart"));
    let said = world.ok(&["update", "web", "--env", "A=2"]);
    assert!(said.contains("environment") && said.contains("restart web"), "{said}");
    let json = world.ok(&["--url", &url, "--json", "update", "web", "--", "sleep", "200000"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["restartNeeded"], &json["restartFields"]),
        (&json!(true), &json!(["args", "environment"]))
    );
    assert_eq!(world.pid_of("web"), Some(pid), "it runs on as before");
    let said = world.ok(&["--url", &url, "update", "web", "--now", "--keep-runs", "4"]);
    assert!(said.contains("restarted, it is running"), "{said}");
    let new = world.pid_of("web").unwrap();
    assert_eq!(command_line(new)[..2], ["sleep", "200000"]);
    assert_eq!(variable_of(new, "A").as_deref(), Some("2"));
    // What is no longer pending takes none.
    world.ok(&["update", "web", "--now", "--max-attempts", "7"]);
    assert_eq!(world.pid_of("web"), Some(new));
}

#[test]
fn what_cannot_be_changed_is_told_and_changes_nothing() {
    let world = World::started();
    add(&world);
    let before = registered(&world, "web");
    let table = [
        (&["web"][..], 2, "nothing is to be changed"),
        (&["web", "--unset", "id"], 1, "an id stays what it is"),
        (&["web", "--unset", "nonsense"], 1, "nonsense"),
        (&["web", "--jitter", "7"], 1, "restartPolicy.jitter"),
        (&["web", "--health-url", "ftp://x/", "--keep-runs", "7"], 1, "alivenessCheck.url"),
        (&["web", "--ready-timeout", "3s"], 2, "--ready-check"),
        (&["wbe", "--env", "A=3"], 4, "did you mean web?"),
    ];
    for (words, code, expected) in table {
        let said = world.say([&["update"], words].concat());
        assert!(said.code == Some(code) && said.stderr.contains(expected), "{words:?} {said:?}");
    }
    assert_eq!(registered(&world, "web"), before);
    world.ok(&["--stop"]);
    let said = world.say(["update", "web", "--now", "--env", "A=5"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(registered(&world, "web")["environment"], before["environment"]);
}
