//! One command for many processes: each has its own answer.

use crate::access_peers::Peer;
use crate::harness::{World, is_alive};
use crate::http::Connection;
use serde_json::{Value, json};

fn entry(id: &str, more: &Value) -> Value {
    let mut entry = json!({"id": id, "name": id, "command": "sleep", "args": ["100000"], "autostart": false});
    entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    entry
}

fn world(processes: &[(&str, Value)]) -> World {
    let world = World::new();
    let processes: Value = processes
        .iter()
        .map(|(id, more)| ((*id).to_owned(), entry(id, more)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    world.save(json!({"processes": processes}).to_string());
    world.start();
    world
}

/// Of each result: whose, and its state or the code of its error.
fn told(body: &Value) -> Vec<(String, String)> {
    let results = body["results"].as_array().unwrap_or_else(|| panic!("no results: {body}"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let outcome = |result: &Value| match result["success"] == true {
        true => text(&result["state"]),
        false => text(&result["code"]),
    };
    results.iter().map(|result| (text(&result["processId"]), outcome(result))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(id, outcome)| ((*id).to_owned(), (*outcome).to_owned())).collect()
}

#[test]
fn every_process_has_an_answer_of_its_own() {
    let none = || json!({});
    let world = world(&[
        ("a", none()),
        ("off", json!({"enabled": false})),
        ("broken", json!({"command": "/no/such/program", "restartPolicy": {"type": "never"}})),
        ("b", none()),
    ]);
    let mut api = Connection::to(&world);
    let all = json!({});
    let answer = api.ask("POST", "/batch/start?wait=ready", Some(&all));
    assert_eq!(answer.status, 200);
    let started =
        [("a", "running"), ("off", "process_disabled"), ("broken", "start_failed"), ("b", "running")];
    assert_eq!(told(&answer.body), pairs(&started), "{}", answer.body);
    let pids = ["a", "b"].map(|id| world.pid_of(id).unwrap());

    // Named twice is once: a restart must not be followed by another.
    let answer = api.ask("POST", "/batch/restart?wait=ready", Some(&json!({"ids": ["b", "nobody", "b"]})));
    assert_eq!(told(&answer.body), pairs(&[("b", "running"), ("nobody", "process_not_found")]));
    assert_ne!(world.pid_of("b"), Some(pids[1]));
    assert_eq!(world.pid_of("a"), Some(pids[0]));

    let answer = api.ask("POST", "/batch/stop?wait=exit", Some(&json!({"ids": ["b", "a"]})));
    assert_eq!(told(&answer.body), pairs(&[("b", "stopped"), ("a", "stopped")]));
    assert_eq!(answer.body["results"][0]["lastExit"]["reason"], "stopped");
    assert!(!is_alive(pids[0]));
    // Who is told that it is done finds it on disk.
    assert_eq!(world.document()["processes"]["a"]["state"], "stopped");

    let answer = api.ask("POST", "/batch/stop", Some(&json!({"ids": "a", "also": 1})));
    assert_eq!(
        (answer.status, answer.body["problems"].as_array().map(Vec::len)),
        (400, Some(2)),
        "{}",
        answer.body
    );
}

#[test]
fn others_reach_only_what_another_host_registered() {
    let world = world(&[("local", json!({})), ("remote", json!({"isRemote": true}))]);
    let other = Peer::own().with("X-Forwarded-For", "203.0.113.9");
    let batch =
        |verb: &str| other.ask_one(&world, "POST", &format!("/batch/{verb}?{}", wait(verb)), Some(json!({})));
    assert_eq!(told(&batch("start").body), pairs(&[("local", "forbidden"), ("remote", "running")]));
    assert_eq!((world.state_of("local"), world.state_of("remote")), ("stopped".into(), "running".into()));
    world.ok(&["start", "local"]);
    assert_eq!(told(&batch("stop").body), pairs(&[("local", "forbidden"), ("remote", "stopped")]));
    assert_eq!(world.state_of("local"), "running");

    world.ok(&["config", "set", "remoteAccess.allowRemoteStop", "false"]);
    assert_eq!(batch("stop").status, 403);
    assert_eq!(batch("restart").status, 403);
}

fn wait(verb: &str) -> &'static str {
    if verb == "stop" { "wait=exit" } else { "wait=ready" }
}

#[test]
fn the_command_line_tells_each_outcome_in_order() {
    let world = world(&[("a", json!({})), ("b", json!({})), ("off", json!({"enabled": false}))]);
    let said = world.say(["start", "all"]);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (Some(1), "a: started, it is running\nb: started, it is running\n")
    );
    assert!(said.stderr.contains("off is disabled") && said.stderr.contains("enable off"), "{}", said.stderr);
    let said = world.say(["restart", "b", "aa", "a", "b"]);
    assert_eq!(said.stdout, "b: restarted, it is running\na: restarted, it is running\n");
    assert!(said.stderr.contains("there is no process aa") && said.stderr.contains("a"), "{}", said.stderr);
    let results: Value = serde_json::from_str(&world.ok(&["stop", "all", "--json"])).unwrap();
    assert_eq!(
        results["results"][1],
        json!({"id": "b", "success": true, "done": "stopped", "state": "stopped"})
    );
    assert_eq!(results["results"].as_array().unwrap().len(), 3);
}
