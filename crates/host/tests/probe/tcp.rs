//! Checks by a connection.

use crate::{ask, ask_within, reason, server};
use process_monitor_host::probe::{ProbeError, Target};
use std::net::TcpListener;
use std::time::Duration;

fn connect(address: impl Into<String>) -> Target {
    Target::Tcp { address: address.into() }
}

#[test]
fn who_accepts_is_well_and_who_refuses_is_not() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    ask(connect(format!("127.0.0.1:{port}"))).unwrap();
    // localhost may be ::1 first, where nobody listens.
    ask(connect(format!("localhost:{port}"))).unwrap();
    if let Ok(listener) = TcpListener::bind("[::1]:0") {
        ask(connect(listener.local_addr().unwrap().to_string())).unwrap();
    }
    drop(listener);
    assert_eq!(reason(connect(format!("127.0.0.1:{port}"))), "connection refused");
    // It says nothing, but it is there.
    ask(connect(server::silent().address.to_string())).unwrap();
}

#[test]
fn a_name_that_does_not_resolve_is_named() {
    let why = reason(connect("no-such-host.invalid:80"));
    assert!(why.contains("\"no-such-host.invalid\" does not resolve"), "{why}");
}

#[test]
fn a_connection_that_is_not_answered_times_out() {
    // TEST-NET-1 (RFC 5737): packets to it come to nothing, or the network says so at once.
    let error = ask_within(connect("192.0.2.1:80"), Duration::from_millis(300)).unwrap_err();
    assert!(
        matches!(error, ProbeError::TimedOut(_) | ProbeError::Network(_) | ProbeError::Refused),
        "{error}"
    );
}
