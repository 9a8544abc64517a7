//! Stopping, with and without requests under way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use aliveness::{Handle, Method, Server};
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Gate, LONG, begin, connect, get, read};

fn hanging(gate: &Arc<Gate>, stop_timeout: Duration) -> Handle {
    let gate = Arc::clone(gate);
    Server::new()
        .callback_timeout(LONG)
        .stop_timeout(stop_timeout)
        .route(Method::GET, "/slow", move |_| {
            gate.pass();
            "done"
        })
        .start()
        .unwrap()
}

/// Nothing listens there any more: it can be taken.
fn is_free(address: std::net::SocketAddr) -> bool {
    TcpListener::bind(address).is_ok()
}

#[test]
fn a_request_under_way_is_finished() {
    let gate = Arc::new(Gate::default());
    let server = hanging(&gate, LONG);
    let address = server.address();
    let request = begin(address, "GET", "/slow", "");
    // Has sent nothing: not worth waiting for.
    let mut idle = connect(address);
    gate.wait_for(1);
    let stopping = std::thread::spawn(move || server.stop());
    // The end of the idle one shows that the stop has begun.
    assert_eq!(idle.read(&mut [0]).unwrap_or(0), 0);
    assert!(!stopping.is_finished());
    gate.open();
    assert_eq!(read(request).body, "done");
    assert_eq!(stopping.join().unwrap(), 0);
    assert!(is_free(address));
}

#[test]
fn what_does_not_end_is_cut_off() {
    let gate = Arc::new(Gate::default());
    let server = hanging(&gate, Duration::from_millis(50));
    let mut request = begin(server.address(), "GET", "/slow", "");
    gate.wait_for(1);
    let begun = Instant::now();
    assert_eq!(server.stop(), 1);
    assert!(begun.elapsed() < LONG / 2, "its callback is not waited for");
    assert_eq!(request.read(&mut [0]).unwrap_or(0), 0, "no answer");
    gate.open();
}

#[test]
fn a_drop_frees_the_port_and_finishes_behind_it() {
    let gate = Arc::new(Gate::default());
    let server = hanging(&gate, LONG);
    let address = server.address();
    let request = begin(address, "GET", "/slow", "");
    gate.wait_for(1);
    drop(server);
    assert!(TcpStream::connect(address).is_err());
    gate.open();
    assert_eq!(read(request).body, "done");
}

#[test]
fn a_port_can_be_served_again_at_once() {
    let first = Server::new().start().unwrap();
    let address = first.address();
    assert_eq!(get(address, "/health").status, 200);
    assert_eq!(first.stop(), 0);
    let second = Server::new().port(address.port()).start().unwrap();
    assert_eq!(get(address, "/health").status, 200);
    drop(second);
}

#[tokio::test]
async fn inside_a_runtime() {
    let gate = Arc::new(Gate::default());
    let server = hanging(&gate, LONG);
    let address = server.address();
    let at = Arc::clone(&gate);
    let client = tokio::task::spawn_blocking(move || {
        let request = begin(address, "GET", "/slow", "");
        at.wait_for(1);
        request
    });
    let request = client.await.unwrap();
    let mut stopping = Box::pin(server.stop_async());
    let early = tokio::time::timeout(Duration::from_millis(20), stopping.as_mut()).await;
    assert!(early.is_err(), "the request is waited for");
    gate.open();
    assert_eq!(stopping.await, 0);
    assert_eq!(tokio::task::spawn_blocking(|| read(request).body).await.unwrap(), "done");
    // Neither an ended one nor one that was never asked troubles the runtime when it is dropped.
    drop(Server::new().start().unwrap());
}

#[test]
fn a_probe_says_what_health_says_and_outlives_the_server() {
    let server = Server::new().health(|| Err::<(), _>("full")).start().unwrap();
    let probe = server.probe();
    assert_eq!(probe().reason(), Some("full"));
    server.stop();
    assert_eq!(probe().reason(), Some("the health server has been stopped"));
}
