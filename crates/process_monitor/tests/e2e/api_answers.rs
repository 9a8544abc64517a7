//! The exact shape of what the API answers.

use crate::harness::{World, eventually, is_alive, kill};
use crate::http::Connection;
use serde_json::{Value, json};

fn sleeper(id: &str) -> Value {
    json!({"id": id, "name": id, "command": "sleep", "args": ["100000"], "environment": {"TOKEN": "hunter2"}})
}

#[test]
fn a_status_has_every_field_and_no_secret() {
    let world = World::started();
    let mut api = Connection::to(&world);
    api.ask("POST", "/processes", Some(&sleeper("web")));
    let stopped = api.ask("GET", "/processes/web", None);
    let mut expected = vec![
        "id",
        "name",
        "state",
        "enabled",
        "autostart",
        "isRemote",
        "pid",
        "lastStartedAt",
        "lastStoppedAt",
        "restartAttempts",
        "lastExit",
        "healthy",
        "uptimeMs",
        "cpuPercent",
        "memoryBytes",
        "message",
        // Beyond SPEC 5.2, which is additive.
        "command",
        "args",
        "workingDirectory",
        "output",
        "logFolder",
        "health",
    ];
    expected.sort_unstable();
    assert_eq!((stopped.status, stopped.fields()), (200, expected));
    for absent in [
        "pid",
        "lastStartedAt",
        "lastStoppedAt",
        "lastExit",
        "healthy",
        "uptimeMs",
        "cpuPercent",
        "memoryBytes",
        "message",
    ] {
        assert!(stopped.body[absent].is_null(), "{absent}: {}", stopped.body);
    }
    assert_eq!(stopped.body["state"], "stopped");
    assert_eq!(stopped.header("content-type"), Some("application/json"));

    api.ask("POST", "/processes/web/start?wait=ready", None);
    let running = api.ask("GET", "/processes/web", None);
    assert_eq!(running.body["pid"].as_u64(), world.pid_of("web").map(u64::from));
    for present in ["lastStartedAt", "uptimeMs", "cpuPercent", "memoryBytes", "logFolder"] {
        assert!(!running.body[present].is_null(), "{present}: {}", running.body);
    }
    let list = api.ask("GET", "/processes", None);
    assert_eq!(list.fields(), ["processes"]);
    assert_eq!(list.body["processes"][0]["id"], "web");
    assert!(!list.body.to_string().contains("hunter2") && !running.body.to_string().contains("hunter2"));

    api.ask("POST", "/processes/web/stop", None);
    let exit = api.ask("GET", "/processes/web", None).body["lastExit"].clone();
    assert_eq!((&exit["signal"], &exit["reason"]), (&json!("SIGTERM"), &json!("stopped")));
    assert!(exit["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{exit}");
}

#[test]
fn the_monitors_status_has_every_field() {
    let world = World::started();
    let mut api = Connection::to(&world);
    api.ask("POST", "/processes", Some(&sleeper("web")));
    api.ask("POST", "/processes", Some(&sleeper("idle")));
    api.ask("POST", "/processes/web/start?wait=ready", None);
    let status = api.ask("GET", "/monitor/status", None);
    let mut expected = vec![
        "instanceId",
        "pid",
        "startedAt",
        "uptime",
        "state",
        "standaloneMode",
        "partnerInstanceId",
        "partnerStatus",
        "partnerPid",
        "managedProcessCount",
        "runningProcessCount",
        // Beyond SPEC 5.1.
        "version",
        "directory",
        "executable",
        "loggerPid",
        "alivenessPort",
        "apiPort",
        "apiAddresses",
        "apiFingerprint",
        "apiTrouble",
    ];
    expected.sort_unstable();
    assert_eq!((status.status, status.fields()), (200, expected));
    let body = &status.body;
    assert_eq!((&body["managedProcessCount"], &body["runningProcessCount"]), (&json!(2), &json!(1)));
    assert_eq!((&body["state"], &body["partnerStatus"]), (&json!("running"), &json!("unknown")));
    assert_eq!(body["pid"].as_u64(), world.monitor_pid().map(u64::from));
}

#[test]
fn every_path_names_the_methods_that_it_takes() {
    let world = World::started();
    let mut api = Connection::to(&world);
    let table = [
        ("PATCH", "/processes", "GET,HEAD,POST"),
        ("PUT", "/processes/web", "DELETE,GET,HEAD,PATCH"),
        ("GET", "/processes/web/start", "POST"),
        ("GET", "/processes/web/stop", "POST"),
        ("DELETE", "/processes/web/restart", "POST"),
        ("GET", "/processes/web/enable", "POST"),
        ("PUT", "/processes/web/disable", "POST"),
        ("POST", "/processes/web/autostart", "PUT"),
        ("POST", "/monitor/status", "GET,HEAD"),
        ("GET", "/monitor/stop", "POST"),
        ("GET", "/monitor/restart", "POST"),
        ("BREW", "/processes", "GET,HEAD,POST"),
    ];
    for (method, path, expected) in table {
        let answer = api.ask(method, path, None);
        let mut allowed: Vec<_> =
            answer.header("allow").unwrap_or_default().split(',').map(str::trim).collect();
        allowed.sort_unstable();
        assert_eq!((answer.status, allowed.join(",")), (405, expected.to_owned()), "{method} {path}");
        assert_eq!(answer.body["code"], "method_not_allowed", "{method} {path}: {}", answer.body);
    }
}

#[test]
fn every_wrong_value_of_a_registration_is_named_with_its_path() {
    let world = World::started();
    let mut api = Connection::to(&world);
    let body = json!({"id": "web", "name": "web", "command": "", "args": ["a\u{0}"],
        "restartPolicy": {"jitter": 7, "backoffMultiplier": 0.5}, "logs": {"maxFileBytes": 1}});
    let answer = api.ask("POST", "/processes", Some(&body));
    assert_eq!((answer.status, &answer.body["code"]), (400, &json!("invalid")), "{}", answer.body);
    let mut paths: Vec<_> = answer.body["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["path"].as_str().unwrap())
        .collect();
    assert_eq!(answer.body["field"], paths[0]);
    paths.sort_unstable();
    let expected = [
        "args[0]",
        "command",
        "logs.maxFileBytes",
        "restartPolicy.backoffMultiplier",
        "restartPolicy.jitter",
    ];
    assert_eq!(paths, expected);
    assert_eq!(api.ask("GET", "/processes/web", None).status, 404, "nothing was registered");
}

#[test]
fn runtime_fields_of_a_registration_are_the_monitors_to_set() {
    let world = World::started();
    let mut api = Connection::to(&world);
    let mut body = sleeper("web");
    (body["pid"], body["state"], body["restartAttempts"]) = (json!(1), json!("running"), json!(7));
    assert_eq!(api.ask("POST", "/processes", Some(&body)).status, 200);
    let status = api.ask("GET", "/processes/web", None).body;
    assert_eq!(
        (&status["pid"], &status["state"], &status["restartAttempts"]),
        (&Value::Null, &json!("stopped"), &json!(0))
    );
}

#[test]
fn a_stop_is_answered_when_it_has_stopped() {
    let world = World::started();
    let slow = world.script(
        "slow",
        "#!/bin/bash\ntrap 'sleep 0.3; exit 0' TERM\necho ready\nwhile :; do sleep 0.05; done\n",
    );
    world.ok(&["run", "--name", "web", "--", &slow]);
    eventually("it has set its trap", || !world.output("web", "stdout").is_empty());
    let pid = world.pid_of("web").unwrap();
    let mut first = Connection::to(&world);
    let mut second = Connection::to(&world);
    let request = b"POST /processes/web/stop HTTP/1.1\r\nHost: x\r\n\r\n";
    first.send(request);
    second.send(request);
    for mut connection in [first, second] {
        let answer = connection.answer();
        assert_eq!((answer.status, answer.body), (200, json!({"success": true, "state": "stopped"})));
        assert!(!is_alive(pid));
    }
    assert_eq!(world.status("web")["lastExit"]["reason"], "stopped");
}

#[test]
fn the_monitor_is_restarted_and_stopped() {
    let world = World::started();
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    let (monitor, web) = (world.monitor_pid().unwrap(), world.pid_of("web").unwrap());
    let answer = Connection::to(&world).ask("POST", "/monitor/restart", None);
    assert_eq!((answer.status, &answer.body["success"]), (200, &json!(true)));
    assert!(answer.body["message"].is_string());
    eventually("a fresh one answers", || world.monitor_logs().len() == 2 && world.pid_of("web") == Some(web));
    assert!(is_alive(web));

    let answer = Connection::to(&world).ask("POST", "/monitor/stop", None);
    assert_eq!((answer.status, &answer.body["success"]), (200, &json!(true)));
    eventually("both are gone", || !is_alive(monitor) && !is_alive(web));
    assert!(!world.state().join("control.sock").exists());
}

#[test]
fn while_it_stops_new_work_is_refused_with_503() {
    let world = World::started();
    let stubborn =
        world.script("stubborn", "#!/bin/bash\ntrap '' TERM\necho ready\nwhile :; do sleep 0.05; done\n");
    world.ok(&["run", "--name", "web", "--stop-timeout", "20s", "--", &stubborn]);
    eventually("it has set its trap", || !world.output("web", "stdout").is_empty());
    let pid = world.pid_of("web").unwrap();
    let mut api = Connection::to(&world);
    api.ask("POST", "/monitor/stop", None);
    let mut late = Connection::to(&world);
    assert_eq!(late.ask("GET", "/monitor/status", None).body["state"], "stopping");
    let answer = late.ask("POST", "/processes", Some(&sleeper("new")));
    assert_eq!((answer.status, &answer.body["code"]), (503, &json!("stopping")));
    let answer = late.ask("POST", "/processes/web/start", None);
    assert_eq!((answer.status, &answer.body["code"]), (503, &json!("stopping")));
    kill(pid);
    eventually("it is gone", || world.monitor_pid().is_none());
}
