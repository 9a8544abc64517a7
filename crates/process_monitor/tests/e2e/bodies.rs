//! Bodies that cannot be obeyed: each is refused with its status, its code and the path of what is wrong; nothing
//! is registered by them, and the monitor goes on.

use crate::harness::World;
use crate::http::Connection;
use serde_json::{Value, json};

const JSON: &str = "Content-Type: application/json\r\n";

/// What is sent, the status that it deserves, the code, and the paths of the problems.
struct Row {
    method: &'static str,
    path: &'static str,
    kind: &'static str,
    body: Vec<u8>,
    expected: (u16, &'static str, Vec<&'static str>),
}

fn row(body: impl Into<Vec<u8>>, status: u16, code: &'static str, paths: &[&'static str]) -> Row {
    let expected = (status, code, paths.to_vec());
    Row { method: "POST", path: "/processes", kind: JSON, body: body.into(), expected }
}

/// A registration that is good but for `fields`.
fn entry(fields: &str) -> String {
    format!(r#"{{"id":"web","name":"Web","command":"sleep",{fields}}}"#)
}

fn invalid(fields: &str, paths: &[&'static str]) -> Row {
    row(entry(fields), 400, "invalid", paths)
}

fn malformed(body: impl Into<Vec<u8>>) -> Row {
    row(body, 400, "malformed", &[])
}

fn whole_bodies() -> Vec<Row> {
    let nested = |open: &str, close: &str| format!("{}1{}", open.repeat(50_000), close.repeat(50_000));
    vec![
        malformed(""),
        malformed("   \n"),
        malformed("hello"),
        malformed("{"),
        malformed(r#"{"id":"web","name":"Web","command":"sleep""#),
        malformed(r#"{"id":"web","name":"Web","command":"sleep"}}"#),
        malformed(r#"{"id":"web","name":"Web","command":"sleep",}"#),
        malformed("{'id':'web'}"),
        malformed(r#"{"id":"web","name":"Web","command":"sleep\ud800"}"#),
        malformed("{\"id\":\"web\",\"name\":\"a\nb\",\"command\":\"sleep\"}"),
        malformed(b"{\"id\":\"\xff\xfe\"}".to_vec()),
        malformed(b"\xff\xfe{\x00}\x00".to_vec()),
        malformed(nested("[", "]")),
        malformed(nested(r#"{"a":"#, "}")),
        malformed(entry(&format!(r#""restartPolicy":{}"#, nested("[", "]")))),
        malformed(entry(r#""restartPolicy":{"jitter":1e999}"#)),
        malformed(entry(r#""restartPolicy":{"jitter":NaN}"#)),
        row("[]", 400, "invalid", &[""]),
        row("null", 400, "invalid", &[""]),
        row("5", 400, "invalid", &[""]),
        row("{}", 400, "invalid", &["id", "name", "command"]),
        row(r#"{"id":"web"}"#, 400, "invalid", &["name", "command"]),
        row(r#"{"id":null,"name":null,"command":null}"#, 400, "invalid", &["id", "name", "command"]),
        row(r#"{"id":5,"name":true,"command":[]}"#, 400, "invalid", &["id", "name", "command"]),
        row(r#"{"id":"","name":"a","command":"x"}"#, 400, "invalid", &["id"]),
        row(r#"{"id":"../a","name":"a","command":"x"}"#, 400, "invalid", &["id"]),
        row(r#"{"id":"a/b","name":"a","command":"x"}"#, 400, "invalid", &["id"]),
        row(r#"{"id":"a\u0000","name":"a","command":"x"}"#, 400, "invalid", &["id"]),
        row(format!(r#"{{"id":"{}","name":"a","command":"x"}}"#, "a".repeat(65)), 400, "invalid", &["id"]),
        row(r#"{"id":"a","name":"a","command":"  "}"#, 400, "invalid", &["command"]),
        row(r#"{"id":"a","name":"a","command":"x\u0000"}"#, 400, "invalid", &["command"]),
        row(vec![b' '; (1 << 20) + 1], 413, "too_large", &[]),
    ]
}

fn fields() -> Vec<Row> {
    vec![
        invalid(r#""id":"api""#, &["id"]),
        invalid(r#""command":"sleep""#, &["command"]),
        invalid(r#""stop":{"timeoutMs":1,"timeoutMs":1}"#, &["stop.timeoutMs"]),
        invalid(r#""environment":{"A":"1","\u0041":"2"}"#, &["environment.A"]),
        invalid(r#""argss":[]"#, &["argss"]),
        invalid(r#""Args":[]"#, &["Args"]),
        invalid(r#""working_directory":"/""#, &["working_directory"]),
        invalid(r#""":1"#, &[r#"[""]"#]),
        invalid(r#""restartPolicy":{"maxRestarts":1}"#, &["restartPolicy.maxRestarts"]),
        invalid(
            r#""alivenessCheck":{"startupCheck":{"enable":true}}"#,
            &["alivenessCheck.startupCheck.enable"],
        ),
        invalid(r#""args":"-m""#, &["args"]),
        invalid(r#""args":[1,"a",null]"#, &["args[0]", "args[2]"]),
        invalid(r#""args":["a\u0000b"]"#, &["args[0]"]),
        invalid(r#""workingDirectory":"""#, &["workingDirectory"]),
        invalid(r#""workingDirectory":"/\u0000""#, &["workingDirectory"]),
        invalid(r#""workingDirectory":["/"]"#, &["workingDirectory"]),
        invalid(r#""environment":["A=1"]"#, &["environment"]),
        invalid(r#""environment":{"A":1}"#, &["environment.A"]),
        invalid(r#""environment":{"A=B":"1"}"#, &[r#"environment["A=B"]"#]),
        invalid(r#""environment":{"":"1"}"#, &[r#"environment[""]"#]),
        invalid(r#""environment":{"A":"\u0000"}"#, &["environment.A"]),
        invalid(r#""autostart":"true""#, &["autostart"]),
        invalid(r#""enabled":1"#, &["enabled"]),
        invalid(r#""isRemote":"no""#, &["isRemote"]),
        invalid(r#""restartPolicy":"always""#, &["restartPolicy"]),
        invalid(r#""restartPolicy":{"type":"sometimes"}"#, &["restartPolicy.type"]),
        invalid(r#""restartPolicy":{"maxAttempts":"5"}"#, &["restartPolicy.maxAttempts"]),
        invalid(r#""restartPolicy":{"maxAttempts":-1}"#, &["restartPolicy.maxAttempts"]),
        invalid(r#""restartPolicy":{"maxAttempts":1.5}"#, &["restartPolicy.maxAttempts"]),
        invalid(r#""restartPolicy":{"maxAttempts":4294967296}"#, &["restartPolicy.maxAttempts"]),
        invalid(
            r#""restartPolicy":{"backoffIntervalsMs":[1000,"2000"]}"#,
            &["restartPolicy.backoffIntervalsMs[1]"],
        ),
        invalid(
            r#""restartPolicy":{"backoffMultiplier":0.5,"jitter":2}"#,
            &["restartPolicy.backoffMultiplier", "restartPolicy.jitter"],
        ),
        invalid(
            r#""restartPolicy":{"retryIndefinitely":true,"indefiniteIntervalMs":0}"#,
            &["restartPolicy.indefiniteIntervalMs"],
        ),
        invalid(r#""alivenessCheck":{"url":"localhost:80"}"#, &["alivenessCheck.url"]),
        invalid(r#""alivenessCheck":{"url":"ftp://localhost/"}"#, &["alivenessCheck.url"]),
        invalid(r#""alivenessCheck":{"url":"http://a:99999/"}"#, &["alivenessCheck.url"]),
        invalid(r#""alivenessCheck":{"url":"http://a/","tcp":"a:1"}"#, &["alivenessCheck"]),
        invalid(r#""alivenessCheck":{"tcp":"a:0"}"#, &["alivenessCheck.tcp"]),
        invalid(r#""alivenessCheck":{"tcp":6379}"#, &["alivenessCheck.tcp"]),
        invalid(r#""alivenessCheck":{"exec":{"args":[]}}"#, &["alivenessCheck.exec.command"]),
        invalid(r#""alivenessCheck":{"exec":"true"}"#, &["alivenessCheck.exec"]),
        invalid(
            r#""alivenessCheck":{"intervalMs":0,"timeoutMs":0}"#,
            &["alivenessCheck.intervalMs", "alivenessCheck.timeoutMs"],
        ),
        invalid(r#""alivenessCheck":{"successCodes":["200"]}"#, &["alivenessCheck.successCodes[0]"]),
        invalid(
            r#""alivenessCheck":{"startupCheck":{"failAction":"panic"}}"#,
            &["alivenessCheck.startupCheck.failAction"],
        ),
        invalid(
            r#""alivenessCheck":{"startupCheck":{"logPattern":"("}}"#,
            &["alivenessCheck.startupCheck.logPattern"],
        ),
        invalid(r#""stop":{"signal":"SIGSTOP"}"#, &["stop.signal"]),
        invalid(r#""stop":{"signal":15}"#, &["stop.signal"]),
        invalid(r#""stop":{"timeoutMs":"10000"}"#, &["stop.timeoutMs"]),
        invalid(
            r#""logs":{"maxFileBytes":1,"keepFiles":0,"keepRuns":0}"#,
            &["logs.maxFileBytes", "logs.keepFiles", "logs.keepRuns"],
        ),
        invalid(r#""registeredAt":"yesterday""#, &["registeredAt"]),
        invalid(r#""pid":"7""#, &["pid"]),
        invalid(r#""state":"asleep""#, &["state"]),
        invalid(
            r#""args":{},"autostart":0,"logs":{"keepRuns":0},"port":1"#,
            &["args", "autostart", "logs.keepRuns", "port"],
        ),
    ]
}

fn elsewhere() -> Vec<Row> {
    let kind = |kind| Row { kind, ..row(entry(r#""args":[]"#), 415, "unsupported_media_type", &[]) };
    let at = |method, path, row| Row { method, path, ..row };
    vec![
        kind(""),
        kind("Content-Type: text/plain\r\n"),
        kind("Content-Type: application/x-www-form-urlencoded\r\n"),
        kind("Content-Type: multipart/form-data; boundary=x\r\n"),
        kind("Content-Type: application/json; charset=utf-16\r\n"),
        kind("Content-Type: application/json\r\nContent-Type: text/plain\r\n"),
        kind("Content-Type: application/merge-patch+json\r\n"),
        kind("Content-Type: application/\u{e4}\r\n"),
        at("PUT", "/processes/kept/autostart", row("{}", 400, "invalid", &["autostart"])),
        at("PUT", "/processes/kept/autostart", row(r#"{"autostart":"off"}"#, 400, "invalid", &["autostart"])),
        at(
            "PUT",
            "/processes/kept/autostart",
            row(r#"{"autostart":false,"auto":1}"#, 400, "invalid", &["auto"]),
        ),
        at("PUT", "/processes/kept/autostart", row("false", 400, "invalid", &[""])),
        at("PUT", "/processes/kept/autostart", malformed("")),
        at("POST", "/processes/kept/signal", row("{}", 400, "invalid", &["signal"])),
        at(
            "POST",
            "/processes/kept/signal",
            row(r#"{"signal":"SIGCHLD","group":"all"}"#, 400, "invalid", &["signal", "group"]),
        ),
        at("PATCH", "/processes/kept", malformed("{")),
        at("PATCH", "/processes/kept", row("[]", 400, "invalid", &[""])),
        at("PATCH", "/processes/kept", row(r#"{"command":""}"#, 400, "invalid", &["command"])),
        at("PATCH", "/processes/kept", row(r#"{"command":null}"#, 400, "invalid", &["command"])),
        at("PATCH", "/processes/kept", row(r#"{"id":"other","pid":1}"#, 400, "invalid", &["id", "pid"])),
        at("PATCH", "/processes/kept", row(r#"{"stop":{"timeout":1}}"#, 400, "invalid", &["stop.timeout"])),
        at("PATCH", "/processes/kept", row(r#"{"name":"a","name":"b"}"#, 400, "invalid", &["name"])),
        at("PATCH", "/processes/gone", row("{}", 404, "process_not_found", &[])),
    ]
}

#[test]
fn each_is_refused_with_status_code_and_path_and_changes_nothing() {
    let world = World::started();
    let mut api = Connection::to(&world);
    api.ask("POST", "/processes", Some(&json!({"id": "kept", "name": "Kept", "command": "sleep"})));
    let pid = world.monitor_pid();
    let registry = std::fs::read(world.registry()).unwrap();
    let rows: Vec<_> = whole_bodies().into_iter().chain(fields()).chain(elsewhere()).collect();
    assert!(rows.len() >= 100);
    for Row { method, path, kind, body, expected } in rows {
        // One that is too large ends its connection.
        let mut api = Connection::to(&world);
        let answer = api.ask_raw(method, path, kind, &body);
        let sent = String::from_utf8_lossy(&body).chars().take(120).collect::<String>();
        let problems = answer.body["problems"].as_array().cloned().unwrap_or_default();
        let paths: Vec<_> = problems.iter().map(|problem| problem["path"].as_str().unwrap()).collect();
        let code = answer.body["code"].as_str().unwrap_or("none");
        assert_eq!((answer.status, code, paths), expected, "{method} {path} {kind}{sent}: {}", answer.body);
        assert!(
            answer.body["error"].as_str().is_some_and(|words| words.len() > 8),
            "{sent}: {}",
            answer.body
        );
        let field = answer.body["field"].as_str();
        assert_eq!(field, expected.2.first().copied(), "{sent}: {}", answer.body);
        assert!(problems.iter().all(|problem| !problem["message"].as_str().unwrap().is_empty()), "{sent}");
    }
    let list = api.ask("GET", "/processes", None);
    assert_eq!(list.body["processes"].as_array().map(Vec::len), Some(1));
    assert_eq!(std::fs::read(world.registry()).unwrap(), registry, "the file is as it was");
    assert_eq!(world.monitor_pid(), pid);
}

#[test]
fn the_forms_of_existing_clients_are_taken() {
    let world = World::started();
    let mut api = Connection::to(&world);
    let url = "http://127.0.0.1:9/health";
    let forms = [
        json!({"alivenessCheck": {"url": url}}),
        json!({"alivenessCheck": {"url": url, "successCodes": [200, 204]}}),
        json!({"restartPolicy": {
            "type": "always", "maxAttempts": 5, "delayMs": 1000, "maxDelayMs": 60000, "backoffMultiplier": 2.0
        }}),
        json!({"workingDirectory": null, "environment": null, "restartPolicy": null, "alivenessCheck": null}),
        json!({"pid": null, "state": "stopped", "restartAttempts": 0, "consecutiveFailures": 0,
            "lastStartedAt": null, "lastStoppedAt": null, "registeredAt": "2026-01-24T10:30:00.000"}),
    ];
    for (n, form) in forms.iter().enumerate() {
        let mut body = json!({"id": format!("p{n}"), "name": "P", "command": "sleep", "args": ["1"]});
        body.as_object_mut().unwrap().extend(form.as_object().unwrap().clone());
        let answer = api.ask("POST", "/processes", Some(&body));
        assert_eq!(
            (answer.status, answer.body["success"].as_bool()),
            (200, Some(true)),
            "{form}: {}",
            answer.body
        );
    }
    let file: Value = serde_json::from_slice(&std::fs::read(world.registry()).unwrap()).unwrap();
    let entries = &file["processes"];
    assert_eq!(entries["p0"]["alivenessCheck"]["enabled"], true);
    assert_eq!(entries["p1"]["alivenessCheck"]["successCodes"], json!([200, 204]));
    assert_eq!(entries["p2"]["restartPolicy"]["maxDelayMs"], 60_000);
    assert_ne!(entries["p4"]["registeredAt"], "2026-01-24T10:30:00.000Z");
}
