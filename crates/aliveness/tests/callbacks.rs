//! Callbacks of every kind, and what becomes of those that panic, hang or block.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use aliveness::{Health, Method, Server, json};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::{Gate, LONG, ask, begin, get, read};

const SHORT: Duration = Duration::from_millis(50);

#[test]
fn what_a_health_callback_may_return() {
    let health = |server: Server| {
        let server = server.start().unwrap();
        let answer = get(server.address(), "/health");
        let json = answer.json();
        assert_eq!(json["healthy"], answer.status == 200);
        (answer.status, json.get("reason").map(ToString::to_string))
    };
    let full = || Some("\"full\"".to_owned());
    assert_eq!(health(Server::new().health(|| true)), (200, None));
    assert_eq!(health(Server::new().health(|| false)), (503, None));
    assert_eq!(health(Server::new().health(|| Ok::<(), String>(()))), (200, None));
    assert_eq!(health(Server::new().health(|| Err::<(), _>("full"))), (503, full()));
    assert_eq!(health(Server::new().health_async(|| async { Health::unhealthy("full") })), (503, full()));
    assert_eq!(health(Server::new().health_async(|| async { true })), (200, None));
}

#[test]
fn what_a_status_callback_may_return() {
    let status = |server: Server| {
        let server = server.start().unwrap();
        let answer = get(server.address(), "/status");
        assert_eq!(answer.json()["pid"], std::process::id(), "in every case");
        (answer.status, answer.json())
    };
    let map = std::collections::BTreeMap::from([("jobs", 3)]);
    assert_eq!(status(Server::new().status(move || map.clone())).1["jobs"], 3);
    assert_eq!(status(Server::new().status_async(|| async { json!({"jobs": 4}) })).1["jobs"], 4);
    assert_eq!(status(Server::new().status(|| ())).0, 200);
    let (code, body) = status(Server::new().status(|| [1, 2]));
    assert_eq!((code, body["error"].as_str().unwrap().contains("an array")), (500, true), "{body}");
}

#[test]
fn async_callbacks_inside_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answers = runtime.block_on(async {
        let own = std::thread::current().id();
        let there = move || std::thread::current().id() == own;
        let server = Server::new()
            .health_async(move || async move { there() })
            .status_async(move || async move { json!({ "there": there() }) })
            .route_async(Method::GET, "/there", move |_| async move { there().to_string() })
            .start()
            .unwrap();
        let address = server.address();
        let paths = ["/health", "/status", "/there"];
        let ask = move || paths.map(|path| get(address, path).body);
        let answers = tokio::task::spawn_blocking(ask).await.unwrap();
        server.stop_async().await;
        answers
    });
    assert!(answers.iter().all(|body| body.contains("true")), "all run on the caller's runtime: {answers:?}");
}

#[test]
fn a_panic_is_answered_and_the_next_call_is_fine() {
    let calls = AtomicUsize::new(0);
    let server = Server::new()
        .health(move || match calls.fetch_add(1, Ordering::Relaxed) {
            0 => panic!("health broke"),
            _ => true,
        })
        .status_async(|| async {
            if true {
                panic!("status broke")
            }
        })
        .route(Method::GET, "/sync", |_| if true { panic!("{} broke", "sync") } else { "" })
        .route_async(Method::GET, "/async", |_| async { if true { panic!("async broke") } else { "" } })
        .start()
        .unwrap();
    let broken = get(server.address(), "/health");
    assert_eq!(broken.status, 503);
    assert_eq!(broken.json()["healthy"], false);
    assert_eq!(broken.json()["reason"], "the health callback panicked: health broke");
    for (path, what) in [("/status", "status broke"), ("/sync", "sync broke"), ("/async", "async broke")] {
        let answer = get(server.address(), path);
        assert_eq!((answer.status, answer.body.contains(what)), (500, true), "{answer:?}");
    }
    assert_eq!(get(server.address(), "/health").status, 200);
}

#[test]
fn a_hang_delays_nobody_else() {
    let gate = Arc::new(Gate::default());
    let (health, route) = (Arc::clone(&gate), Arc::clone(&gate));
    let server = Server::new()
        .callback_timeout(LONG)
        .health(move || {
            health.pass();
            true
        })
        .route(Method::GET, "/hang", move |_| {
            route.pass();
            "over"
        })
        .start()
        .unwrap();
    let hanging = ["/health", "/hang", "/hang"].map(|path| begin(server.address(), "GET", path, ""));
    gate.wait_for(3);
    // Answered while three hang: they go on only after this.
    assert_eq!(get(server.address(), "/status").status, 200);
    assert_eq!(get(server.address(), "/nothing").status, 404);
    gate.open();
    assert_eq!(hanging.map(|stream| read(stream).status), [200; 3]);
}

#[test]
fn a_hang_is_answered_and_mends() {
    let gate = Arc::new(Gate::default());
    let hang = Arc::clone(&gate);
    let server = Server::new()
        .callback_timeout(SHORT)
        .health(move || {
            hang.pass();
            true
        })
        .start()
        .unwrap();
    let begun = Instant::now();
    let first = get(server.address(), "/health");
    assert!(begun.elapsed() >= SHORT);
    assert_eq!(first.status, 503);
    assert!(first.json()["reason"].as_str().unwrap().contains("has not answered for"), "{first:?}");
    for _ in 0..20 {
        assert_eq!(get(server.address(), "/health").status, 503);
    }
    assert_eq!(gate.come(), 1, "however often it is asked for, it hangs once");
    gate.open();
    eventually(|| get(server.address(), "/health").status == 200);
}

#[test]
fn a_late_async_callback_is_cancelled() {
    let inside = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for runtime in [None, Some(inside.handle())] {
        let calls = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&calls);
        let _inside = runtime.map(|runtime| runtime.enter());
        let server = Server::new()
            .callback_timeout(SHORT)
            .health_async(move || {
                let call = count.fetch_add(1, Ordering::Relaxed);
                async move {
                    if call == 0 {
                        pending::<()>().await;
                    }
                    true
                }
            })
            .start()
            .unwrap();
        assert_eq!(get(server.address(), "/health").status, 503);
        eventually(|| get(server.address(), "/health").status == 200);
        // Called anew. A second call that was too slow on a busy machine is followed by a third.
        assert!(calls.load(Ordering::Relaxed) >= 2);
    }
}

#[test]
fn an_async_callback_that_blocks_keeps_nobody_else() {
    let gate = Arc::new(Gate::default());
    let block = Arc::clone(&gate);
    let server = Server::new()
        .callback_timeout(SHORT)
        .health_async(move || {
            let block = Arc::clone(&block);
            async move {
                block.pass();
                true
            }
        })
        .start()
        .unwrap();
    assert_eq!(get(server.address(), "/health").status, 503);
    assert_eq!(get(server.address(), "/status").status, 200);
    gate.open();
}

#[test]
fn a_runtime_that_is_stuck_is_not_healthy() {
    let (tell, told) = std::sync::mpsc::channel();
    let (finish, finished) = tokio::sync::oneshot::channel::<()>();
    let stuck = Arc::new(Gate::default());
    let block = Arc::clone(&stuck);
    let program = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server =
                Server::new().callback_timeout(SHORT).health_async(|| async { true }).start().unwrap();
            tell.send(server.address()).unwrap();
            block.pass();
            finished.await.unwrap();
        });
    });
    let address = told.recv().unwrap();
    assert_eq!(get(address, "/health").status, 503);
    assert_eq!(get(address, "/status").status, 200);
    stuck.open();
    eventually(|| get(address, "/health").status == 200);
    finish.send(()).unwrap();
    program.join().unwrap();
}

#[test]
fn a_runtime_that_has_ended_is_not_healthy() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let server = {
        let _inside = runtime.enter();
        Server::new().health_async(|| async { true }).start().unwrap()
    };
    drop(runtime);
    let answer = get(server.address(), "/health");
    assert_eq!((answer.status, answer.body.contains("has ended")), (503, true), "{answer:?}");
}

#[test]
fn a_crowd_costs_one_call() {
    let gate = Arc::new(Gate::default());
    let wait = Arc::clone(&gate);
    let server = Server::new()
        .callback_timeout(LONG)
        .health(move || {
            wait.pass();
            true
        })
        .start()
        .unwrap();
    let crowd: Vec<_> = (0..50).map(|_| begin(server.address(), "GET", "/health", "")).collect();
    gate.wait_for(1);
    // Answered after all of the crowd was accepted, as connections are in their order.
    assert_eq!(get(server.address(), "/status").status, 200);
    gate.open();
    assert!(crowd.into_iter().all(|stream| read(stream).status == 200));
    // A request of the crowd that was read late may have begun a second call; never one each.
    assert!(gate.come() <= 3, "{} calls", gate.come());
}

#[test]
fn handlers_that_hang_are_bounded() {
    let gate = Arc::new(Gate::default());
    let hang = Arc::clone(&gate);
    let server = Server::new()
        .callback_timeout(SHORT)
        .max_handlers(2)
        .route(Method::POST, "/hang", move |_| {
            hang.pass();
            "over"
        })
        .start()
        .unwrap();
    for _ in 0..2 {
        let answer = ask(server.address(), "POST", "/hang");
        assert_eq!((answer.status, answer.body.contains("has not answered")), (503, true), "{answer:?}");
    }
    let refused = ask(server.address(), "POST", "/hang");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{refused:?}");
    assert_eq!(gate.come(), 2);
    assert_eq!(get(server.address(), "/health").status, 200, "it has threads of its own");
    gate.open();
    eventually(|| ask(server.address(), "POST", "/hang").status == 200);
}

/// Asks until it is so; each `met` is a request.
fn eventually(met: impl Fn() -> bool) {
    let begun = Instant::now();
    while !met() {
        assert!(begun.elapsed() < LONG, "waited too long");
    }
}
