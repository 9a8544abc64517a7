//! What is answered to which request, and to clients that do not behave.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use aliveness::{Error, Health, Method, Reply, Server, StatusCode, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;
use support::{ask, begin, connect, get, read};

fn server() -> Server {
    Server::new()
        .health(|| Health::healthy().with("queue", 3))
        .status(|| json!({ "version": "1.2", "pid": "not ours" }))
        .route(Method::GET, "/page", |_| Reply::new("text/html", "<p>hi</p>"))
        .route(Method::POST, "/page", |request| {
            let body = String::from_utf8_lossy(request.body()).into_owned();
            Reply::text(format!("{body} {:?} {:?}", request.query(), request.header("host")))
                .with_status(StatusCode::CREATED)
        })
        .route(Method::PUT, "/write-only", |_| "written")
        .route(Method::POST, "/health", |_| "posted")
}

#[test]
fn methods_and_paths() {
    let server = server().start().unwrap();
    let table = [
        ("GET", "/health", 200, None),
        ("HEAD", "/health", 200, None),
        ("GET", "/health?x=1", 200, None),
        ("POST", "/health", 200, None),
        ("PUT", "/health", 405, Some("GET, POST, HEAD")),
        ("GET", "/status", 200, None),
        ("HEAD", "/status", 200, None),
        ("DELETE", "/status", 405, Some("GET, HEAD")),
        ("OPTIONS", "/status", 405, Some("GET, HEAD")),
        ("GET", "/page", 200, None),
        ("HEAD", "/page", 200, None),
        ("POST", "/page", 201, None),
        ("PUT", "/page", 405, Some("GET, POST, HEAD")),
        ("GET", "/write-only", 405, Some("PUT")),
        ("HEAD", "/write-only", 405, Some("PUT")),
        ("PUT", "/write-only", 200, None),
        ("GET", "/", 404, None),
        ("GET", "/health/", 404, None),
        ("POST", "/nothing", 404, None),
    ];
    for (method, path, status, allow) in table {
        let answer = ask(server.address(), method, path);
        assert_eq!((answer.status, answer.header("allow")), (status, allow), "{method} {path}: {answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{method} {path}");
    }
}

#[test]
fn head_is_get_without_the_body() {
    let server = server().start().unwrap();
    for path in ["/page", "/write-only", "/nothing"] {
        let (got, head) = (get(server.address(), path), ask(server.address(), "HEAD", path));
        assert_eq!(head.status, got.status, "{path}");
        assert_eq!(head.header("content-type"), got.header("content-type"), "{path}");
        assert_eq!(head.body, "", "{path}");
        if path == "/page" {
            assert_eq!(head.header("content-length"), Some("9"));
        }
    }
}

#[test]
fn bodies() {
    let server = server().start().unwrap();
    let health = get(server.address(), "/health");
    assert_eq!(health.header("content-type"), Some("application/json"));
    let health = health.json();
    assert_eq!((&health["healthy"], &health["queue"]), (&json!(true), &json!(3)));
    assert!(health.get("reason").is_none());
    is_now(health["timestamp"].as_str().unwrap());

    let status = get(server.address(), "/status").json();
    assert_eq!((&status["version"], &status["pid"]), (&json!("1.2"), &json!(std::process::id())));
    is_now(status["timestamp"].as_str().unwrap());

    let posted = read(begin(server.address(), "POST", "/page?a=b", "body"));
    assert_eq!(posted.body, "body Some(\"a=b\") Some(\"test\")");
    assert_eq!(posted.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(get(server.address(), "/nothing").json()["error"].as_str().unwrap().contains("/nothing"));
}

/// `2026-01-02T03:04:05.678Z`, within the last minute.
fn is_now(timestamp: &str) {
    assert_eq!((timestamp.len(), &timestamp[19..20], &timestamp[23..]), (24, ".", "Z"), "{timestamp}");
    let age = jiff::Timestamp::now().duration_since(timestamp.parse().unwrap());
    assert!((-1..60).contains(&age.as_secs()), "{timestamp}");
}

#[test]
fn without_callbacks_it_is_healthy_and_says_who_it_is() {
    let server = Server::new().start().unwrap();
    assert!(server.address().ip().is_loopback());
    assert_eq!(get(server.address(), "/health").json()["healthy"], true);
    assert_eq!(get(server.address(), "/status").json()["pid"], std::process::id());
}

#[test]
fn a_taken_port_is_told_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = Server::new().port(address.port()).start().unwrap_err();
    assert!(matches!(error, Error::Bind { .. }));
    let text = error.to_string();
    assert!(text.contains(&address.to_string()) && text.contains("choose another port"), "{text}");
}

#[test]
fn routes_that_could_not_be_reached_are_refused() {
    let start = |method, path: &str| {
        let server = Server::new().route(Method::GET, "/there", |_| "").route(method, path, |_| "");
        server.start().map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(start(Method::POST, "/there"), Ok(()));
    for (path, problem) in [
        ("/there", "twice"),
        ("there", "begin with /"),
        ("/x?y", "must not contain"),
        ("/health", "callbacks"),
        ("/status", "callbacks"),
    ] {
        let error = start(Method::GET, path).unwrap_err();
        assert!(error.contains(problem) && error.contains(&format!("GET {path}")), "{error}");
    }
}

#[test]
fn a_content_type_that_cannot_be_sent_is_a_500() {
    let server = Server::new().route(Method::GET, "/x", |_| Reply::new("a\r\nb: c", "")).start().unwrap();
    let answer = get(server.address(), "/x");
    assert_eq!((answer.status, answer.header("b")), (500, None), "{answer:?}");
}

#[test]
fn a_body_has_its_bounds() {
    let server = server().max_body_bytes(4).read_timeout(Duration::from_millis(100)).start().unwrap();
    assert_eq!(read(begin(server.address(), "POST", "/page", "1234")).status, 201);
    assert_eq!(read(begin(server.address(), "POST", "/page", "12345")).status, 413);
    let mut stream = connect(server.address());
    stream.write_all(b"POST /page HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n12").unwrap();
    assert_eq!(read(stream).status, 408);
}

#[test]
fn a_head_has_its_bounds() {
    let server = Server::new().start().unwrap();
    let send = |headers: String| {
        let mut stream = connect(server.address());
        stream.write_all(format!("GET /health HTTP/1.1\r\nHost: x\r\n{headers}\r\n").as_bytes()).unwrap();
        read(stream).status
    };
    assert_eq!(send(format!("X: {}\r\n", "x".repeat(8 << 10))), 200);
    assert_eq!(send(format!("X: {}\r\n", "x".repeat(17 << 10))), 431);
    assert_eq!(send((0..100).map(|n| format!("X{n}: y\r\n")).collect()), 431);
    assert_eq!(get(server.address(), "/health").status, 200);
}

#[test]
fn slow_clients_lose_their_place() {
    let server = Server::new().max_connections(2).read_timeout(Duration::from_millis(100)).start().unwrap();
    let silent = connect(server.address());
    let mut slow = connect(server.address());
    slow.write_all(b"GET /health HT").unwrap();
    // Gets its place when one of them has lost its own.
    assert_eq!(get(server.address(), "/health").status, 200);
    for mut stream in [silent, slow] {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert!(!String::from_utf8_lossy(&rest).contains("200"));
    }
}

#[test]
fn garbage_harms_nobody() {
    let server = Server::new().start().unwrap();
    for garbage in
        [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\n"]
    {
        let mut stream = connect(server.address());
        stream.write_all(garbage).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        // A reset is as good an end as any.
        if stream.read_to_end(&mut rest).is_ok() {
            assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 4"), "{garbage:?}: {rest:?}");
        }
    }
    assert_eq!(get(server.address(), "/health").status, 200);
}

#[test]
fn a_client_that_closes_its_side_gets_its_answer() {
    let server = Server::new().start().unwrap();
    let stream = begin(server.address(), "GET", "/health", "");
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(read(stream).status, 200);
}

#[test]
fn a_hundred_clients_at_a_time() {
    let server = server().start().unwrap();
    let address = server.address();
    std::thread::scope(|scope| {
        for number in 0..100 {
            scope.spawn(move || {
                let path = ["/health", "/status", "/page", "/nothing"][number % 4];
                for _ in 0..5 {
                    assert_eq!(get(address, path).status, if number % 4 == 3 { 404 } else { 200 }, "{path}");
                }
            });
        }
    });
}
