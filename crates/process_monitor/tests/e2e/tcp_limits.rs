//! Clients of the API that want too much, too slowly, or nothing at all: they are sent away, and others do not notice.

use crate::harness::{PATIENCE, World, eventually};
use crate::http::Connection;
use crate::tcp::edit_settings;
use serde_json::json;
use std::fs;
use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How much the monitor's memory may grow under any of this, in KiB.
const MOST_GROWTH: u64 = 24 << 10;

/// What the monitor has allocated, in KiB (`Anonymous` in proc_pid_smaps(5)). What it shares of its program's file is
/// left out: its part of that grows whenever the monitor of another test ends.
pub fn own_memory(world: &World) -> u64 {
    let path = format!("/proc/{}/smaps_rollup", world.monitor_pid().unwrap());
    let text = fs::read_to_string(path).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("Anonymous:")).unwrap();
    line.trim().split(' ').next().unwrap().parse().unwrap()
}

/// How many descriptors this process may have (proc_pid_limits(5)).
fn descriptors_allowed() -> usize {
    let text = fs::read_to_string("/proc/self/limits").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

fn connect(world: &World) -> TcpStream {
    let stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], world.api_port()))).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Whatever comes until the connection ends.
fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // It may be reset, which is an end.
    let _reset = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn thousands_of_connections_that_say_nothing() {
    let world = World::started();
    let address = SocketAddr::from(([127, 0, 0, 1], world.api_port()));
    assert_eq!(Connection::at(address).ask("GET", "/monitor/status", None).status, 200);
    let before = own_memory(&world);
    // The other tests of this process need descriptors, too.
    let most = descriptors_allowed().min(20_000) / 2;
    let silent: Vec<_> = (0..most).filter_map(|_| TcpStream::connect(address).ok()).collect();
    assert!(silent.len() > most / 10, "only {} connected", silent.len());
    assert!(world.ok(&["list"]).len() < 10_000, "the control socket answers");
    let grown = own_memory(&world).saturating_sub(before);
    assert!(grown < MOST_GROWTH, "grew by {grown} KiB");
    let mut last = silent.into_iter().next_back().unwrap();
    last.set_read_timeout(Some(PATIENCE)).unwrap();
    let told = rest(&mut last);
    assert!(told.is_empty() || told.contains("503") && told.contains("too many connections"), "{told}");
    eventually("there is room again", || {
        let Ok(mut stream) = TcpStream::connect(address) else { return false };
        let _refused =
            stream.write_all(b"GET /monitor/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        rest(&mut stream).starts_with("HTTP/1.1 200")
    });
    world.log_that_says("a connection was refused");
}

#[test]
fn bodies_without_end() {
    let world = World::started();
    let before = own_memory(&world);
    let head = "POST /processes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let mut told = connect(&world);
    told.write_all(format!("{head}Content-Length: 10000000000\r\n\r\n").as_bytes()).unwrap();
    let answer = rest(&mut told);
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("connection: close"), "{answer}");

    let mut chunked = connect(&world);
    chunked.set_write_timeout(Some(PATIENCE)).unwrap();
    chunked.write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).unwrap();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let sent = (0..10_000).take_while(|_| chunked.write_all(chunk.as_bytes()).is_ok()).count();
    assert!(sent < 1000, "{sent} chunks of 64 KiB were taken");
    let grown = own_memory(&world).saturating_sub(before);
    assert!(grown < MOST_GROWTH, "grew by {grown} KiB");
    assert_eq!(Connection::tcp(&world).ask("GET", "/processes", None).body, json!({"processes": []}));
}

#[test]
fn bodies_of_many_strangers_do_not_fill_the_memory() {
    let world = World::started();
    let before = own_memory(&world);
    // Of a kind that anybody may send: it reads only.
    let head = "GET /processes HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.1\r\n";
    let almost = vec![b' '; (1 << 20) - 100];
    let strangers: Vec<_> = (0..90)
        .map(|_| {
            let mut stream = connect(&world);
            stream.set_write_timeout(Some(PATIENCE)).unwrap();
            stream.write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).unwrap();
            // It may be sent away before it has said all.
            let _cut = stream.write_all(&[b"fff9c\r\n", almost.as_slice()].concat());
            stream
        })
        .collect();
    let grown = own_memory(&world).saturating_sub(before);
    assert!(grown < MOST_GROWTH, "grew by {grown} KiB");
    let refused = strangers.into_iter().next_back().map(|mut stream| rest(&mut stream)).unwrap();
    assert!(refused.is_empty() || refused.starts_with("HTTP/1.1 413"), "{refused}");
    let whole = format!("{{\"a\":\"{}\"}}", "x".repeat(100_000));
    let trusted = Connection::tcp(&world).ask_raw(
        "POST",
        "/processes",
        "Content-Type: application/json\r\n",
        whole.as_bytes(),
    );
    assert_eq!(trusted.status, 400, "it is read: {}", trusted.body);
}

/// Clients that follow output at a few bytes a second are served on, at no cost to others.
fn followers_that_hardly_read(clients: usize) {
    let world = World::started();
    world.ok(&["run", "--name", "web", "--", "sh", "-c", "seq 1 2000000; exec sleep 100000"]);
    Connection::tcp(&world).ask("GET", "/processes", None);
    let before = own_memory(&world);
    let request = "GET /processes/web/logs?follow=true&tail=all HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut followers: Vec<_> = (0..clients)
        .map(|_| {
            let mut stream = connect(&world);
            stream.write_all(request.as_bytes()).unwrap();
            (stream, Vec::new())
        })
        .collect();
    for _ in 0..20 {
        for (stream, read) in &mut followers {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            read.push(byte[0]);
        }
        // Others are answered, by the same door and by their own.
        assert_eq!(Connection::tcp(&world).ask("GET", "/processes", None).status, 200);
        assert_eq!(Connection::to(&world).ask("GET", "/processes/web", None).body["state"], "running");
        let grown = own_memory(&world).saturating_sub(before);
        assert!(grown < MOST_GROWTH, "grew by {grown} KiB");
        // This is how slow they are, not a wait for anything.
        std::thread::sleep(Duration::from_millis(200));
    }
    eventually("all was printed", || world.output("web", "stdout").ends_with(b"\n2000000\n"));
    let grown = own_memory(&world).saturating_sub(before);
    assert!(grown < MOST_GROWTH, "grew by {grown} KiB");
    // Whoever was slow has lost nothing: from here on one of them reads what it can.
    let (stream, mut read) = followers.swap_remove(0);
    BufReader::new(stream).take(100_000).read_to_end(&mut read).unwrap();
    let text = String::from_utf8(read).unwrap();
    let printed = unchunked(text.split_once("\r\n\r\n").unwrap().1);
    let expected: String = (1..20_000).map(|n| format!("{n}\n")).collect();
    assert!(printed.len() > 90_000 && expected.starts_with(&printed), "{printed}");
}

/// What came of a chunked body that was cut off (RFC 9112, 7.1).
fn unchunked(mut body: &str) -> String {
    let mut text = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        text += &rest[..size.min(rest.len())];
        body = rest.get(size + 2..).unwrap_or_default();
    }
    text
}

#[test]
fn a_follower_that_hardly_reads() {
    followers_that_hardly_read(1);
}

#[test]
fn many_followers_that_hardly_read() {
    followers_that_hardly_read(20);
}

#[test]
fn heads_and_bodies_that_come_a_byte_at_a_time() {
    let world = World::started();
    let (mut head, mut body) = (connect(&world), connect(&world));
    head.write_all(b"GET /processes HTTP/1.1\r\n").unwrap();
    let request = "POST /processes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    body.write_all(format!("{request}Content-Length: 1000\r\n\r\n").as_bytes()).unwrap();
    let began = Instant::now();
    let mut ends = [&mut head, &mut body].map(|stream| {
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        (stream, None::<String>)
    });
    while ends.iter().any(|(_, end)| end.is_none()) {
        assert!(began.elapsed() < PATIENCE * 2, "they are still served");
        for (stream, end) in ends.iter_mut().filter(|(_, end)| end.is_none()) {
            let mut bytes = [0; 2048];
            let gone = stream.write_all(b"x").is_err();
            match stream.read(&mut bytes) {
                Ok(count) => *end = Some(String::from_utf8_lossy(&bytes[..count]).into_owned()),
                Err(_) if gone => *end = Some(String::new()),
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }
    let [(_, head), (_, body)] = ends;
    assert!(!head.unwrap().contains("200"));
    assert!(body.as_ref().unwrap().contains("408"), "{body:?}");
}

#[test]
fn heads_that_are_too_long() {
    let world = World::started();
    let mut stream = connect(&world);
    let _cut =
        stream.write_all(format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n", "x".repeat(100_000)).as_bytes());
    let answer = rest(&mut stream);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    let mut stream = connect(&world);
    let headers: String = (0..500).map(|n| format!("X-{n}: x\r\n")).collect();
    let _cut =
        stream.write_all(format!("GET /processes HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").as_bytes());
    let answer = rest(&mut stream);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert_eq!(Connection::tcp(&world).ask("GET", "/processes", None).status, 200);
}

#[test]
fn answers_that_nobody_reads() {
    let world = World::started();
    for n in 0..20 {
        world.ok(&["add", "--name", &format!("p{n}"), "--", "sleep", "100000"]);
    }
    edit_settings(&world, &json!({"rateLimit": {"requestsPerSecond": 1e9, "burst": 1_000_000_000}}));
    eventually("there is no limit of the rate", || {
        let settings = Connection::to(&world).ask("GET", "/config/remote-access", None);
        settings.body["rateLimit"]["burst"] == 1_000_000_000
    });
    let before = own_memory(&world);
    let request = "GET /processes HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000);
    let lazy: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = connect(&world);
            stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
            // Some 400 MB would be answered to this. What is not taken waits in the system's buffers.
            let _taken = (0..40).take_while(|_| stream.write_all(request.as_bytes()).is_ok()).count();
            stream
        })
        .collect();
    let grown = own_memory(&world).saturating_sub(before);
    assert!(grown < MOST_GROWTH, "grew by {grown} KiB");
    let mut other = Connection::tcp(&world);
    assert_eq!(other.ask("GET", "/processes", None).status, 200, "others do not notice");
    drop(lazy);
}

#[test]
fn the_longest_body_is_a_setting() {
    let world = World::started();
    edit_settings(&world, &json!({"maxBodyBytes": 300}));
    let entry = |n: usize| json!({"id": "web", "name": "x".repeat(n), "command": "sleep"});
    let mut answer = None;
    eventually("it is in effect", || {
        let found = Connection::tcp(&world).ask("POST", "/processes", Some(&entry(400)));
        let refused = found.status == 413;
        answer = Some(found);
        if !refused {
            world.ok(&["remove", "web"]);
        }
        refused
    });
    assert!(answer.unwrap().body["error"].as_str().unwrap().contains("300"));
    assert_eq!(Connection::tcp(&world).ask("POST", "/processes", Some(&entry(10))).status, 200);
}
