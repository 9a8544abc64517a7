//! Clients of the API that misbehave: they get an answer if they can be given one, and hinder nobody.

use crate::files::sleeping;
use crate::harness::{World, kill};
use crate::http::Connection;
use serde_json::json;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

#[test]
fn a_body_must_say_that_it_is_json() {
    let world = World::started();
    let body = sleeping("web").to_string();
    let with = |header: &str| {
        let mut api = Connection::to(&world);
        let length = body.len();
        api.send(
            format!("POST /processes HTTP/1.1\r\nHost: x\r\n{header}Content-Length: {length}\r\n\r\n{body}")
                .as_bytes(),
        );
        api.answer()
    };
    for header in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "Content-Type: application/jsonx\r\n",
        "Content-Type: \u{e4}\r\n",
    ] {
        let answer = with(header);
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (415, &json!("unsupported_media_type")),
            "{header}"
        );
    }
    assert_eq!(with("Content-Type: Application/JSON; charset=utf-8\r\n").status, 200);
}

#[test]
fn a_body_that_is_too_large_is_refused_whether_it_says_so_or_not() {
    let world = World::started();
    let mut said = Connection::to(&world);
    said.send(b"POST /processes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9999999999\r\n\r\n{");
    let answer = said.answer();
    assert_eq!((answer.status, &answer.body["code"]), (413, &json!("too_large")));

    let mut chunked = Connection::to(&world);
    chunked.send(b"POST /processes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunk = [&b"10000\r\n"[..], &[b' '; 0x10000], b"\r\n"].concat();
    // The answer may come, and the connection end, before everything is sent.
    let mut writer = chunked.0.get_ref().try_clone().unwrap();
    (0..40).take_while(|_| writer.write_all(&chunk).is_ok()).count();
    assert_eq!(chunked.answer().status, 413);
    assert_eq!(Connection::to(&world).ask("GET", "/processes", None).status, 200);
}

#[test]
fn what_is_not_http_costs_its_sender_the_connection_and_nobody_else() {
    let world = World::started();
    world.ok(&["run", "--name", "web", "--backoff", "0s", "--", "sleep", "100000"]);
    let mut healthy = Connection::to(&world);
    let long_header = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    let many_headers = format!("GET / HTTP/1.1\r\n{}\r\n", "X: x\r\n".repeat(10_000));
    let table: [&[u8]; 9] = [
        b"",
        b"\r\n\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET /processes HTTP/9.9\r\n\r\n",
        b"POST /processes HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: -5\r\n\r\n",
        b"POST /processes HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        long_header.as_bytes(),
        many_headers.as_bytes(),
    ];
    for bytes in table {
        let mut stream = UnixStream::connect(world.state().join("control.sock")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let _refused = stream.write_all(bytes);
        stream.shutdown(std::net::Shutdown::Write).ok();
        let mut answer = Vec::new();
        let _reset = stream.read_to_end(&mut answer);
        let shown = String::from_utf8_lossy(&answer[..answer.len().min(80)]).into_owned();
        assert!(answer.is_empty() || shown.starts_with("HTTP/1.1 4"), "{shown}");
    }
    assert_eq!(healthy.ask("GET", "/monitor/status", None).status, 200);
}

#[test]
fn clients_that_never_finish_hinder_nobody() {
    let world = World::started();
    world.ok(&["run", "--name", "web", "--backoff", "0s", "--", "sleep", "100000"]);
    let pid = world.pid_of("web").unwrap();
    let halves: [&[u8]; 3] = [
        b"",
        b"GET /proc",
        b"POST /processes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    ];
    let mut idle: Vec<Connection> = Vec::new();
    for half in halves.iter().cycle().take(300) {
        let mut connection = Connection::to(&world);
        connection.send(half);
        idle.push(connection);
    }
    kill(pid);
    world.wait_for_new_pid("web", pid);
    world.ok(&["restart", "web"]);
    // Nor is the stop held up by them.
    world.ok(&["--stop"]);
    drop(idle);
}

#[test]
fn requests_sent_in_one_go_are_answered_in_order() {
    let world = World::started();
    let mut api = Connection::to(&world);
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    api.send([get("/processes"), get("/nothing"), get("/monitor/status")].concat().as_bytes());
    let statuses: Vec<_> = (0..3).map(|_| api.answer().status).collect();
    assert_eq!(statuses, [200, 404, 200]);
}
