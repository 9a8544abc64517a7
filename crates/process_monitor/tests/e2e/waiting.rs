//! `?wait=…&timeoutMs=…`: answers that come when something has happened, or not in time.

use crate::harness::{World, eventually};
use crate::http::Connection;
use serde_json::{Value, json};

/// Exits as the file `go` says, once it is there.
const JOB: &str = "while [ ! -e go ]; do sleep 0.02; done; exit $(cat go)";

fn job(world: &World, policy: &Value) -> Connection {
    let mut api = Connection::to(world);
    let entry = json!({
        "id": "job", "name": "Job", "command": "sh", "args": ["-c", JOB], "restartPolicy": policy,
        "workingDirectory": world.path(), "stop": {"timeoutMs": 2000},
    });
    assert_eq!(api.ask("POST", "/processes", Some(&entry)).status, 200);
    api
}

fn go(world: &World, code: &str) {
    std::fs::write(world.path().join("go.new"), code).unwrap();
    std::fs::rename(world.path().join("go.new"), world.path().join("go")).unwrap();
}

#[test]
fn the_end_of_a_run_is_told_with_its_exit() {
    let world = World::started();
    let mut api = job(&world, &json!({"type": "never"}));
    let mut waits = Connection::to(&world);
    waits.send(b"POST /processes/job/start?wait=exit HTTP/1.1\r\nHost: localhost\r\n\r\n");
    world.wait_for_state("job", "running");
    go(&world, "7");
    let answer = waits.answer();
    assert_eq!((answer.status, &answer.body["lastExit"]["code"]), (200, &json!(7)), "{}", answer.body);
    assert_eq!((&answer.body["success"], &answer.body["state"]), (&json!(true), &json!("failed")));
    // A run that is over at once.
    go(&world, "0");
    let answer = api.ask("POST", "/processes/job/restart?wait=exit&timeoutMs=30000", None);
    assert_eq!((&answer.body["lastExit"]["code"], &answer.body["timedOut"]), (&json!(0), &Value::Null));
}

#[test]
fn a_wait_that_takes_too_long_is_answered_and_the_command_goes_on() {
    let world = World::started();
    let mut api = job(&world, &json!({"type": "never"}));
    let answer = api.ask("POST", "/processes/job/start?wait=exit&timeoutMs=1", None);
    assert_eq!((answer.status, &answer.body["timedOut"]), (200, &json!(true)), "{}", answer.body);
    world.wait_for_state("job", "running");
    let pid = world.pid_of("job");
    let answer = api.ask("POST", "/processes/job/start?wait=ready&timeoutMs=1000", None);
    assert_eq!(answer.body, json!({"success": true, "state": "running"}), "it was up already");
    assert_eq!(world.pid_of("job"), pid);

    // A stop that takes its time.
    let stubborn = "trap '' TERM\necho ready\nwhile :; do sleep 0.05; done";
    let entry = json!({
        "id": "stubborn", "name": "S", "command": "sh", "args": ["-c", stubborn], "stop": {"timeoutMs": 1500},
    });
    api.ask("POST", "/processes", Some(&entry));
    api.ask("POST", "/processes/stubborn/start?wait=ready", None);
    eventually("it has set its trap", || !world.output("stubborn", "stdout").is_empty());
    let answer = api.ask("POST", "/processes/stubborn/stop?timeoutMs=50", None);
    assert_eq!(answer.body, json!({"success": true, "state": "stopping", "timedOut": true}));
    let answer = api.ask("POST", "/processes/stubborn/stop?wait=exit", None);
    assert_eq!(
        (&answer.body["state"], &answer.body["lastExit"]["signal"]),
        (&json!("stopped"), &json!("SIGKILL"))
    );
}

#[test]
fn stops_removals_and_failures_end_the_wait() {
    let world = World::started();
    let mut api = job(&world, &json!({}));
    let waiting = |path: &str| {
        let mut waits = Connection::to(&world);
        waits.send(format!("POST /processes/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes());
        waits
    };
    api.ask("POST", "/processes/job/start?wait=ready", None);
    let mut waits = waiting("job/start?wait=exit");
    let told = std::thread::scope(|scope| {
        let told = scope.spawn(move || waits.answer());
        // A start that is heard after the first stop is ended by the next one.
        eventually("the wait is over", || {
            assert_eq!(api.ask("POST", "/processes/job/stop", None).status, 200);
            told.is_finished()
        });
        told.join().unwrap()
    });
    assert_eq!((told.status, &told.body["lastExit"]["reason"]), (200, &json!("stopped")), "{}", told.body);

    api.ask("POST", "/processes/job/start?wait=ready", None);
    let mut waits = waiting("job/start?wait=exit");
    assert_eq!(api.ask("DELETE", "/processes/job", None).status, 200);
    let told = waits.answer();
    assert!([200, 404, 409].contains(&told.status), "{}", told.body);

    let entry =
        json!({"id": "none", "name": "N", "command": "/does/not/exist", "restartPolicy": {"type": "never"}});
    api.ask("POST", "/processes", Some(&entry));
    let answer = api.ask("POST", "/processes/none/start?wait=exit", None);
    assert_eq!((answer.status, &answer.body["code"]), (409, &json!("start_failed")));
    assert!(answer.body["error"].as_str().unwrap().contains("/does/not/exist"), "{}", answer.body);
}

#[test]
fn many_wait_and_some_go_away() {
    let world = World::started();
    let mut api = job(&world, &json!({"type": "never"}));
    api.ask("POST", "/processes/job/start?wait=ready", None);
    let mut waits: Vec<_> = (0..100)
        .map(|_| {
            let mut waits = Connection::to(&world);
            waits.send(b"POST /processes/job/start?wait=exit HTTP/1.1\r\nHost: localhost\r\n\r\n");
            waits
        })
        .collect();
    waits.truncate(50);
    // Waits that end too early are forgotten. Those of above that come late wait for a run of their own.
    for _ in 0..100 {
        api.ask("POST", "/processes/job/start?wait=exit&timeoutMs=1", None);
    }
    go(&world, "3");
    for mut waits in waits {
        assert_eq!(waits.answer().body["lastExit"]["code"], 3);
    }
    assert_eq!(api.ask("GET", "/monitor/status", None).status, 200);
}

#[test]
fn a_query_that_cannot_be_obeyed_is_refused_with_its_field() {
    let world = World::started();
    let mut api = job(&world, &json!({}));
    let table: [(&str, &str, &[&str]); 16] = [
        ("start", "wait=forever", &["wait"]),
        ("start", "wait=", &["wait"]),
        ("start", "wait=ready&wait=exit", &["wait"]),
        ("start", "Wait=ready", &["Wait"]),
        ("start", "waitt=ready", &["waitt"]),
        ("start", "timeoutMs=5", &["timeoutMs"]),
        ("start", "wait=ready&timeoutMs=0", &["timeoutMs"]),
        ("start", "wait=ready&timeoutMs=3600001", &["timeoutMs"]),
        ("start", "wait=ready&timeoutMs=-1", &["timeoutMs"]),
        ("start", "wait=ready&timeoutMs=1e3", &["timeoutMs"]),
        ("start", "wait=exit&timeoutMs=99999999999999999999", &["timeoutMs"]),
        ("restart", "wait=up&timeoutMs=x&force=1", &["wait", "timeoutMs", "force"]),
        ("stop", "wait=ready", &["wait"]),
        ("stop", "timeoutMs=", &["timeoutMs"]),
        ("stop", "%00=%ff", &["\0"]),
        ("stop", "&&&==&", &[""]),
    ];
    for (verb, query, fields) in table {
        let answer = api.ask("POST", &format!("/processes/job/{verb}?{query}"), None);
        let problems = answer.body["problems"].as_array().cloned().unwrap_or_default();
        let paths: Vec<_> = problems.iter().map(|problem| problem["path"].as_str().unwrap()).collect();
        assert_eq!((answer.status, paths.as_slice()), (400, fields), "{verb}?{query}: {}", answer.body);
    }
    let answer = api.ask("GET", "/events?proces=a&process=..&x=1", None);
    let problems = answer.body["problems"].as_array().unwrap();
    let paths: Vec<_> = problems.iter().map(|problem| problem["path"].as_str().unwrap()).collect();
    assert_eq!((answer.status, paths), (400, vec!["process", "proces", "x"]), "{}", answer.body);
    assert_eq!(world.state_of("job"), "stopped");
    assert_eq!(api.ask("POST", "/processes/job/stop?", None).status, 200);
}
