//! The control socket: who can reach it, and what it answers to whatever is sent.

use crate::harness::{PATIENCE, World};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

/// One answer.
struct Answer {
    status: u16,
    head: String,
    body: Value,
}

/// Sends raw bytes and reads the answer to its end.
fn send(world: &World, bytes: &[u8]) -> Answer {
    let mut socket = UnixStream::connect(world.state().join("control.sock")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    // A server that refuses a large body may close before it has read all of it.
    let _refused = socket.write_all(bytes);
    let mut text = Vec::new();
    let _reset = socket.read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_lowercase(), body: serde_json::from_str(body).unwrap_or(Value::Null) }
}

fn request(world: &World, method: &str, path: &str, body: Option<&[u8]>) -> Answer {
    let mut bytes =
        format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n").into_bytes();
    if let Some(body) = body {
        bytes.extend(
            format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()).into_bytes(),
        );
    }
    bytes.extend(b"\r\n");
    bytes.extend(body.unwrap_or_default());
    send(world, &bytes)
}

/// What is sent: in words, method, path, body; and the status that it deserves.
type Case<'a> = (&'a str, &'a str, &'a str, Option<&'a [u8]>, u16);

#[test]
fn the_socket_is_its_users_alone() {
    let world = World::started();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&world.state()), 0o700);
    assert_eq!(mode(&world.state().join("control.sock")), 0o600);
}

#[test]
fn every_endpoint_answers_as_specified() {
    let world = World::started();
    let entry = json!({"id": "web", "name": "Web", "command": "sleep", "args": ["100000"], "environment": {"K": "secret"}});
    let entry = entry.to_string();
    let answer = request(&world, "POST", "/processes", Some(entry.as_bytes()));
    assert_eq!((answer.status, &answer.body), (200, &json!({"success": true, "processId": "web"})));
    let answer = request(&world, "POST", "/processes", Some(entry.as_bytes()));
    assert_eq!(
        (answer.status, answer.body["code"].as_str(), answer.body["processId"].as_str()),
        (409, Some("already_exists"), Some("web"))
    );

    let answer = request(&world, "POST", "/processes/web/start", None);
    assert_eq!((answer.status, answer.body), (200, json!({"success": true, "state": "starting"})));
    let answer = request(&world, "POST", "/processes/web/restart?wait=ready", None);
    assert_eq!((answer.status, answer.body), (200, json!({"success": true, "state": "running"})));
    let answer = request(&world, "GET", "/processes/web", None);
    assert_eq!((answer.status, answer.body["state"].as_str()), (200, Some("running")));
    assert!(
        answer.body["healthy"].is_null() && answer.body.get("healthy").is_some(),
        "absent values are null"
    );
    assert!(!answer.body.to_string().contains("secret"));
    let answer = request(&world, "GET", "/processes", None);
    assert_eq!(answer.body["processes"].as_array().map(Vec::len), Some(1));

    let answer = request(&world, "POST", "/processes/web/stop", None);
    assert_eq!((answer.status, answer.body), (200, json!({"success": true, "state": "stopped"})));
    assert_eq!(request(&world, "POST", "/processes/web/disable", None).body, json!({"success": true}));
    let answer = request(&world, "POST", "/processes/web/start", None);
    assert_eq!((answer.status, answer.body["code"].as_str()), (409, Some("process_disabled")));
    assert_eq!(request(&world, "POST", "/processes/web/enable", None).body, json!({"success": true}));
    let answer = request(&world, "PUT", "/processes/web/autostart", Some(br#"{"autostart":false}"#));
    assert_eq!((answer.status, answer.body), (200, json!({"success": true})));
    assert_eq!(request(&world, "GET", "/processes/web", None).body["autostart"], false);

    let answer = request(&world, "GET", "/monitor/status", None);
    assert_eq!(
        (answer.body["instanceId"].as_str(), answer.body["managedProcessCount"].as_u64()),
        (Some("default"), Some(1))
    );
    assert_eq!(request(&world, "DELETE", "/processes/web", None).body, json!({"success": true}));
    let answer = request(&world, "GET", "/processes/web", None);
    assert_eq!(
        (answer.status, answer.body["code"].as_str(), answer.body["processId"].as_str()),
        (404, Some("process_not_found"), Some("web"))
    );
}

#[test]
fn whatever_is_sent_is_answered_with_words_and_never_with_500() {
    let world = World::started();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let huge = vec![b' '; 3 << 20];
    let table: Vec<Case<'_>> = vec![
        ("an unknown path", "GET", "/nothing", None, 404),
        ("another method", "PATCH", "/processes", None, 405),
        ("not JSON", "POST", "/processes", Some(b"hello"), 400),
        ("cut off", "POST", "/processes", Some(br#"{"id":"a""#), 400),
        ("invalid UTF-8", "POST", "/processes", Some(b"{\"id\":\"\xff\xfe\"}"), 400),
        ("deep nesting", "POST", "/processes", Some(deep.as_bytes()), 400),
        ("a wrong type", "POST", "/processes", Some(br#"{"id":"a","name":"a","command":5}"#), 400),
        ("a bad id", "POST", "/processes", Some(br#"{"id":"../a","name":"a","command":"x"}"#), 400),
        ("an empty command", "POST", "/processes", Some(br#"{"id":"a","name":"a","command":""}"#), 400),
        (
            "a NUL byte",
            "POST",
            "/processes",
            Some(br#"{"id":"a","name":"a","command":"x","args":["a\u0000b"]}"#),
            400,
        ),
        ("a missing field", "POST", "/processes", Some(br#"{"id":"a"}"#), 400),
        ("a huge body", "POST", "/processes", Some(&huge), 413),
        ("a bad id in the path", "GET", "/processes/%2e%2e", None, 400),
        ("bad UTF-8 in the path", "GET", "/processes/%ff", None, 400),
        ("an unknown wait", "POST", "/processes/a/start?wait=forever", None, 400),
        ("no such process", "POST", "/processes/a/start", None, 404),
    ];
    for (what, method, path, body, expected) in table {
        let answer = request(&world, method, path, body);
        assert_eq!(answer.status, expected, "{what}: {} {}", answer.head, answer.body);
        let words = answer.body["error"].as_str().is_some_and(|error| !error.is_empty());
        assert!(words && answer.body["code"].is_string(), "{what}: {}", answer.body);
        if expected == 405 {
            assert!(answer.head.contains("allow:"), "{what}: {}", answer.head);
        }
    }
    let answer = request(
        &world,
        "POST",
        "/processes",
        Some(br#"{"id":"a","name":"a","command":"x","stop":{"timeoutMs":-1}}"#),
    );
    assert_eq!((answer.status, answer.body["field"].as_str()), (400, Some("stop.timeoutMs")));
    let plain = b"POST /processes HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}";
    assert_eq!(send(&world, plain).status, 415);
    send(&world, b"\x00\x01\x02 nonsense\r\n\r\n");
    assert_eq!(request(&world, "GET", "/monitor/status", None).status, 200);
    assert!(!world.ok(&["list", "--json"]).contains("\"a\""));
}
