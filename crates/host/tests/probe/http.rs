//! Checks by GET.

use crate::server::{self, Server, answer, answering, next_request, responding};
use crate::{PATIENCE, PROBER, ask, ask_within, get, reason};
use process_monitor_host::probe::{ProbeError, Target};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

fn get_for(url: String, codes: &[u16]) -> Target {
    Target::Http { url, success_codes: Some(codes.to_vec()), verify_tls: true }
}

#[test]
fn answers_are_judged() {
    for (status, body, expected) in [
        ("200 OK", "OK\n", Ok(())),
        ("200 OK", r#"{"status":"Ok"}"#, Ok(())),
        ("200 OK", "<html>", Err("body \"<html>\"")),
        ("503 Service Unavailable", "OK", Err("status 503")),
    ] {
        let server = answering(status, body);
        match (ask(get(server.url("/health"))), expected) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err(part)) if error.to_string().starts_with(part) => {}
            (found, _) => panic!("{status} {body}: {found:?}"),
        }
    }
    let server = answering("418 I'm a teapot", "<html>");
    ask(get_for(server.url("/"), &[200, 418])).unwrap();
    assert_eq!(reason(get_for(server.url("/"), &[200])), "status 418");
}

#[test]
fn what_is_sent() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let heads = Arc::clone(&seen);
    let server = responding(move |head| {
        heads.lock().unwrap().push(head.to_vec());
        ("200 OK".into(), String::new(), "OK".into())
    });
    let url = format!("http://me:p%40ss@{}/health?deep=1#part", server.address);
    ask(get(url)).unwrap();
    let heads = seen.lock().unwrap();
    let head = heads[0].join("\n").to_lowercase();
    assert!(head.starts_with("get /health?deep=1 http/1.1\n"), "{head}");
    assert!(head.contains(&format!("host: {}", server.address)), "{head}");
    assert!(head.contains("user-agent: process_monitor/"), "{head}");
    // me:p@ss
    assert!(heads[0].iter().any(|line| line.ends_with("Basic bWU6cEBzcw==")), "{head}");
}

#[test]
fn nobody_and_silence_and_slowness() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert_eq!(reason(get(format!("http://127.0.0.1:{port}/"))), "connection refused");
    let limit = Duration::from_millis(200);
    let dripping = Server::start(|mut stream| {
        server::await_request(&stream);
        while stream.write_all(b"H").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    for server in [server::silent(), dripping] {
        let begun = Instant::now();
        let error = ask_within(get(server.url("/")), limit).unwrap_err();
        assert_eq!(error.to_string(), "timed out after 200 ms");
        assert!(begun.elapsed() < PATIENCE);
    }
    let closing = Server::start(server::close);
    assert!(
        matches!(ask(get(closing.url("/"))), Err(ProbeError::Closed)),
        "{}",
        reason(get(closing.url("/")))
    );
    let nonsense =
        Server::start(|mut stream| stream.write_all(b"220 smtp.example ESMTP\r\n").unwrap_or_default());
    assert!(ask(get(nonsense.url("/"))).is_err());
}

#[test]
fn an_endless_body_is_not_waited_for() {
    let server = Server::start(|mut stream| {
        server::await_request(&stream);
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut going = stream.write_all(head).is_ok();
        while going {
            going = stream.write_all(b"3\r\nOK \r\n").is_ok();
        }
    });
    let begun = Instant::now();
    assert_eq!(reason(get(server.url("/"))), "body longer than 64 KiB");
    // Where the status alone matters, nobody reads on.
    ask(get_for(server.url("/"), &[200])).unwrap();
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn redirects_lead_around_the_same_server_only() {
    let server = responding(|head| {
        let path = head[0].split(' ').nth(1).unwrap().to_owned();
        let to = |to: &str| ("302 Found".to_owned(), format!("Location: {to}\r\n"), String::new());
        match path.as_str() {
            "/old" => to("/new"),
            "/a/relative" => to("b"),
            "/circle" => to("/circle"),
            "/away" => to("http://user:secret@other.example/health"),
            _ => ("200 OK".into(), String::new(), "OK".into()),
        }
    });
    ask(get(server.url("/old"))).unwrap();
    ask(get(server.url("/a/relative"))).unwrap();
    assert_eq!(reason(get(server.url("/circle"))), "redirected more than 5 times");
    let why = reason(get(server.url("/away")));
    assert!(
        why.starts_with("status 302, redirects to http://other.example/health, which is another"),
        "{why}"
    );
    ask(get_for(server.url("/away"), &[302])).unwrap();
}

#[test]
fn a_connection_is_used_again_and_a_closed_one_is_no_failure() {
    let server = answering("200 OK", "OK");
    for _ in 0..10 {
        ask(get(server.url("/"))).unwrap();
    }
    // Who asks again before the client has put the connection back takes another.
    assert!(server.connections() < 5, "{} connections", server.connections());
    let closing = Server::start(|mut stream| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        if next_request(&mut reader).is_some() {
            // It says nothing of closing, and closes.
            answer(&mut stream, "200 OK", "", "OK");
        }
        server::close(stream);
    });
    for _ in 0..20 {
        ask(get(closing.url("/"))).unwrap();
    }
}

/// As a server does whose patience with an unused connection ends when the next check is due.
#[test]
fn a_connection_that_is_closed_in_the_moment_of_asking_is_no_failure() {
    let server = Server::start(|mut stream| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        if next_request(&mut reader).is_some() {
            answer(&mut stream, "200 OK", "", "OK");
        }
        let _unanswered = next_request(&mut reader);
        server::close(stream);
    });
    for _ in 0..20 {
        ask(get(server.url("/"))).unwrap();
    }
}

#[test]
fn who_never_answers_is_asked_twice() {
    let server = Server::start(|stream| {
        let _unanswered = next_request(&mut BufReader::new(stream.try_clone().unwrap()));
        server::close(stream);
    });
    assert!(matches!(ask(get(server.url("/"))), Err(ProbeError::Closed)));
    assert_eq!(server.connections(), 2);
}

#[test]
fn names_and_urls_that_are_none() {
    let why = reason(get("http://no-such-host.invalid/"));
    assert!(why.contains("\"no-such-host.invalid\" does not resolve"), "{why}");
    assert!(matches!(ask(get("http://")), Err(ProbeError::Target(_))));
}

/// Speaks TLS with a certificate that nobody vouched for.
fn self_signed() -> Server {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let config = Arc::new(config);
    Server::start(move |stream| {
        let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut reader = BufReader::new(StreamOwned::new(tls, stream));
        while next_request(&mut reader).is_some() {
            answer(reader.get_mut(), "200 OK", "", "OK");
        }
    })
}

#[test]
fn a_certificate_must_be_valid_unless_it_need_not_be() {
    let server = self_signed();
    let url = format!("https://localhost:{}/", server.address.port());
    let why = reason(get(url.clone()));
    assert!(why.starts_with("TLS: invalid peer certificate") && why.contains("verifyTls to false"), "{why}");
    ask(Target::Http { url, success_codes: None, verify_tls: false }).unwrap();
}

#[test]
fn a_status_url_tells_a_pid() {
    for (status, body, expected) in [
        ("200 OK", r#"{"pid":42}"#, Ok(42)),
        ("200 OK", "{}", Err("the JSON has no \"pid\"")),
        ("404 Not Found", r#"{"pid":42}"#, Err("status 404")),
    ] {
        let server = answering(status, body);
        let (sender, answers) = mpsc::channel();
        PROBER.ask_pid(server.url("/status"), true, PATIENCE, move |answer| sender.send(answer).unwrap());
        let found = answers.recv_timeout(PATIENCE).unwrap().map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned));
    }
}
