//! Pages in a browser, limits, and what is written down.

use crate::access_peers::Peer;
use crate::harness::{World, eventually};
use crate::http::Connection;
use serde_json::json;

fn world(access: serde_json::Value) -> World {
    let world = World::new();
    world.save(json!({"remoteAccess": access, "processes": {}}).to_string());
    world.start();
    world
}

#[test]
fn pages_of_listed_origins_may_use_the_api_and_no_others() {
    let world = world(json!({"corsOrigins": ["https://ops.example"]}));
    let page = |origin: &str| Peer::own().with("Origin", origin);
    let change = json!({"standaloneMode": false});
    for (origin, may) in [("https://ops.example", true), ("https://evil.example", false), ("null", false)] {
        let preflight = page(origin).with("Access-Control-Request-Method", "PATCH");
        let told = preflight.ask_one(&world, "OPTIONS", "/config", None);
        assert_eq!(told.headers["access-control-allow-methods"].is_string(), may, "{origin}");
        let told = page(origin).ask_one(&world, "GET", "/processes", None);
        let allowed = told.headers["access-control-allow-origin"].as_str();
        assert_eq!((told.status, allowed), (200, may.then_some(origin)), "{origin}");
        assert!(told.headers["vary"].as_str().unwrap().contains("origin"));
        let told = page(origin).ask_one(&world, "PATCH", "/config", Some(change.clone()));
        assert_eq!(told.status, if may { 200 } else { 403 }, "{origin}: {}", told.body);
    }
    // Our own page, whatever name of ours it was opened by.
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        let host = format!("{host}:{}", world.api_port());
        let own = page(&format!("http://{host}")).with("Host", host).with("Sec-Fetch-Site", "same-origin");
        assert_eq!(own.ask_one(&world, "PATCH", "/config", Some(change.clone())).status, 200);
    }
}

#[test]
fn what_a_form_can_send_is_refused() {
    let world = world(json!({}));
    world.ok(&["add", "--name", "web", "--", "sleep", "100000"]);
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let form = Peer::own().with("Content-Type", kind);
        let told = form.ask_one(&world, "POST", "/processes/web/start", Some(json!({})));
        assert_eq!(told.status, 415, "{kind}: {}", told.body);
    }
    let two = "Host: localhost\r\nOrigin: http://localhost\r\nOrigin: http://evil.example\r\n";
    assert_eq!(Connection::tcp(&world).ask_with("POST", "/processes/web/start", two).status, 403);
    assert_eq!(world.state_of("web"), "stopped");
}

#[test]
fn a_name_that_is_allowed_is_ours() {
    let world = world(json!({"allowedHosts": ["*.ops.example"]}));
    let status =
        |host: &str| Peer::own().with("Host", host).ask_one(&world, "GET", "/processes", None).status;
    assert_eq!(status("monitor.ops.example"), 200);
    assert_eq!(status("monitor.evil.example"), 403);
    let mut raw = Connection::tcp(&world);
    assert_eq!(raw.ask_with("GET", "/processes", "").status, 400, "no Host");
    let mut raw = Connection::tcp(&world);
    assert_eq!(raw.ask_with("GET", "/processes", "Host: localhost\r\nHost: evil.example\r\n").status, 400);
    let mut raw = Connection::tcp(&world);
    assert_eq!(raw.ask_with("GET", "http://evil.example/processes", "Host: localhost\r\n").status, 403);
}

#[test]
fn who_asks_too_much_waits_and_others_do_not() {
    let world = world(json!({"rateLimit": {"requestsPerSecond": 0.001, "burst": 3}}));
    let asks = vec![("GET".to_owned(), "/processes".to_owned(), None); 5];
    let told = Peer::own().ask(&world, &asks);
    let statuses: Vec<u16> = told.iter().map(|told| told.status).collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    let wait: u64 = told[4].headers["retry-after"].as_str().unwrap().parse().unwrap();
    assert!((1..=1000).contains(&wait), "{wait}");
    assert_eq!(told[4].body["code"], "rate_limited");
    assert_eq!(Connection::to(&world).ask("GET", "/processes", None).status, 200, "the control socket");
    if let Some(user) = Peer::other_user() {
        assert_eq!(user.ask_one(&world, "GET", "/processes", None).status, 200, "another user");
    }
    world.edit(|registry| registry["remoteAccess"] = json!({}));
    eventually("the limit is another", || {
        Peer::own().ask_one(&world, "GET", "/processes", None).status == 200
    });
}

#[test]
fn changes_and_refusals_are_written_down_without_secrets() {
    let world = world(json!({}));
    let entry = json!({"id": "web", "name": "w", "command": "sleep", "environment": {"KEY": "s3cr3t"}});
    assert_eq!(Peer::own().ask_one(&world, "POST", "/processes", Some(entry)).status, 200);
    assert_eq!(Peer::own().ask_one(&world, "POST", "/processes/web/stop", None).status, 200);
    assert_eq!(Peer::own().ask_one(&world, "DELETE", "/processes/none", None).status, 404);
    let stranger =
        Peer::own().with("X-Forwarded-For", "198.51.100.9").with("Authorization", "Bearer tpm_s3cr3t");
    assert_eq!(stranger.ask_one(&world, "POST", "/monitor/stop", None).status, 401);
    assert_eq!(Connection::to(&world).ask("POST", "/processes/web/start", None).status, 200);
    let wanted = [
        "register web (sleep): done",
        "stop web: done",
        "deregister none: failed with 404",
        "POST /monitor/stop: refused: this token is not known here",
        "[INFO] control socket: start web: done",
        "[INFO] 127.0.0.1 (user ",
    ];
    eventually("all is in the log", || wanted.iter().all(|line| world.monitor_log().contains(line)));
    assert!(!world.monitor_log().contains("s3cr3t"));
}
