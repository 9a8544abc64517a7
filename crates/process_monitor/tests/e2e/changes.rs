//! `PATCH /processes/{id}`: a configuration changed by parts.

use crate::harness::{World, variable_of};
use crate::http::Connection;
use serde_json::{Value, json};

fn registered(world: &World, entry: &Value) -> Connection {
    let mut api = Connection::to(world);
    let answer = api.ask("POST", "/processes", Some(entry));
    assert_eq!(answer.status, 200, "{}", answer.body);
    api
}

fn sleeper() -> Value {
    json!({"id": "web", "name": "Web", "command": "sleep", "args": ["100000"], "environment": {"A": "1", "B": "2"}})
}

fn in_file(world: &World) -> Value {
    let file: Value = serde_json::from_slice(&std::fs::read(world.registry()).unwrap()).unwrap();
    file["processes"]["web"].clone()
}

#[test]
fn a_change_is_on_disk_when_it_is_answered_and_says_whether_it_takes_a_restart() {
    let world = World::started();
    let mut api = registered(&world, &sleeper());
    let answer = api.ask("PATCH", "/processes/web", Some(&json!({"name": "W", "environment": {"A": "9"}})));
    assert_eq!(
        (answer.status, answer.body),
        (200, json!({"success": true, "state": "stopped", "restartNeeded": false}))
    );
    assert_eq!(in_file(&world)["environment"], json!({"A": "9", "B": "2"}));

    api.ask("POST", "/processes/web/start?wait=ready", None);
    let pid = world.pid_of("web").unwrap();
    let answer = api.ask("PATCH", "/processes/web", Some(&json!({"environment": {"A": null, "C": "3"}})));
    assert_eq!(
        (&answer.body["restartNeeded"], &answer.body["restartFields"]),
        (&json!(true), &json!(["environment"]))
    );
    let message = answer.body["message"].as_str().unwrap();
    assert!(message.contains("POST /processes/web/restart"), "{message}");
    assert_eq!(world.pid_of("web"), Some(pid), "nothing was restarted");
    let answer = api.ask("PATCH", "/processes/web", Some(&json!({"stop": {"timeoutMs": 500}})));
    assert_eq!(answer.body["restartNeeded"], true, "what was changed before still takes one");

    api.ask("POST", "/processes/web/restart?wait=ready", None);
    let pid = world.pid_of("web").unwrap();
    assert_eq!(variable_of(pid, "C").as_deref(), Some("3"));
    assert_eq!(variable_of(pid, "A"), None);
    let merge_patch = "Content-Type: application/merge-patch+json\r\n";
    let answer = api.ask_raw("PATCH", "/processes/web", merge_patch, br#"{"autostart":null}"#);
    assert_eq!(answer.body, json!({"success": true, "state": "running", "restartNeeded": false}));
}

#[test]
fn changes_at_once_lose_nothing() {
    let world = World::started();
    let mut api = registered(&world, &sleeper());
    std::thread::scope(|scope| {
        for client in 0..8 {
            let world = &world;
            scope.spawn(move || {
                let mut api = Connection::to(world);
                for n in 0..10 {
                    let change = json!({"environment": {format!("V{client}_{n}"): "x"}});
                    let answer = api.ask("PATCH", "/processes/web", Some(&change));
                    assert_eq!(answer.status, 200, "{}", answer.body);
                }
            });
        }
    });
    assert_eq!(in_file(&world)["environment"].as_object().unwrap().len(), 82);
    // What the answers do not show.
    assert!(!api.ask("GET", "/processes/web", None).body.to_string().contains("V0_0"));
}

#[test]
fn a_change_may_disable_and_enable() {
    let world = World::started();
    let mut api = registered(&world, &sleeper());
    api.ask("POST", "/processes/web/start?wait=ready", None);
    assert_eq!(api.ask("PATCH", "/processes/web", Some(&json!({"enabled": false}))).status, 200);
    world.wait_for_state("web", "disabled");
    assert_eq!(api.ask("POST", "/processes/web/start", None).status, 409);
    assert_eq!(api.ask("PATCH", "/processes/web", Some(&json!({"enabled": true}))).body["state"], "stopped");
    assert_eq!(api.ask("POST", "/processes/web/start", None).status, 200);
}

#[test]
fn no_value_of_the_environment_is_told() {
    let world = World::started();
    let mut api = registered(&world, &sleeper());
    for change in [
        json!({"environment": {"A": {"B": "hunter2"}}}),
        json!({"environment": ["hunter2"]}),
        json!({"environment": {"A": "hunter2\0"}}),
        json!({"environment": {"A": "hunter2"}, "command": ""}),
    ] {
        let answer = api.ask("PATCH", "/processes/web", Some(&change));
        assert_eq!(answer.status, 400);
        assert!(!answer.body.to_string().contains("hunter2"), "{}", answer.body);
    }
    let log = std::fs::read_dir(world.path().join("default_logs")).unwrap();
    for file in log.flatten().filter(|file| file.path().is_file()) {
        assert!(!std::fs::read_to_string(file.path()).unwrap().contains("hunter2"));
    }
}
