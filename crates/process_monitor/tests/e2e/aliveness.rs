//! The monitor's own aliveness server, and the helper for managed programs.

use crate::harness::{World, eventually, free_port};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

fn ask(port: u16, method: &str, path: &str) -> Option<(u16, String, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, head.to_lowercase(), body.to_owned()))
}

fn port_of(world: &World) -> u16 {
    let mut port = None;
    eventually("it listens", || {
        let status: Value = serde_json::from_str(&world.ok(&["--status", "--json"])).unwrap();
        port = status["alivenessPort"].as_u64();
        port.is_some()
    });
    u16::try_from(port.unwrap()).unwrap()
}

#[test]
fn it_answers_as_specified() {
    let world = World::started();
    let port = port_of(&world);
    // One that says nothing keeps nobody waiting.
    let _silent: Vec<_> = (0..20).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    let (status, head, body) = ask(port, "GET", "/alive").unwrap();
    assert_eq!((status, body.as_str()), (200, "OK"));
    assert!(
        head.contains("content-type: text/plain") && head.contains("access-control-allow-origin: *"),
        "{head}"
    );
    let (status, _, body) = ask(port, "GET", "/status").unwrap();
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["instanceId"], &body["state"]), (200, &"default".into(), &"running".into()));
    assert_eq!(body["pid"].as_u64(), world.monitor_pid().map(u64::from));
    assert_eq!(body["managedProcessCount"], 0);
    assert!(body["directory"].is_null(), "strangers need not know: {body}");
    assert_eq!(ask(port, "GET", "/processes").unwrap().0, 404);
    let (status, head, _) = ask(port, "POST", "/alive").unwrap();
    assert!(status == 405 && head.contains("allow: get"), "{status} {head}");
}

#[test]
fn a_port_that_is_taken_is_told_and_taken_when_it_is_free() {
    let world = World::new();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let started = world.command(["--aliveness-port", &port.to_string()]).output().unwrap();
    assert!(started.status.success(), "supervision goes on without it");
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    let log = world.log_that_says("in use (os error");
    let held = format!("pid {}", std::process::id());
    assert!(log.contains(&held), "{log}");
    assert!(log.contains("--aliveness-port") && log.contains("alivenessServer.port"), "{log}");
    drop(holder);
    eventually("it listens", || ask(port, "GET", "/alive").is_some_and(|(status, ..)| status == 200));
}

#[test]
fn the_registry_names_a_port_or_switches_it_off() {
    let (world, port) = (World::new(), free_port());
    world.save(serde_json::json!({"alivenessServer": {"port": port}, "processes": {}}).to_string());
    let start =
        |world: &World| world.command::<&str>([]).env_remove("TOM_PM_ALIVENESS_PORT").output().unwrap();
    assert!(start(&world).status.success());
    eventually("it listens", || ask(port, "GET", "/alive").is_some());
    world.ok(&["--stop"]);
    assert!(ask(port, "GET", "/alive").is_none());
    world.save(
        serde_json::json!({"alivenessServer": {"port": port, "enabled": false}, "processes": {}}).to_string(),
    );
    assert!(start(&world).status.success());
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    assert!(ask(port, "GET", "/alive").is_none());
}

/// The example of the crate `aliveness`, which is built with the tests.
fn managed() -> String {
    let tests = std::env::current_exe().unwrap();
    let built: PathBuf = tests.ancestors().nth(2).unwrap().join("examples/managed");
    if !built.exists() {
        let cargo = std::process::Command::new(env!("CARGO"))
            .args(["build", "--quiet", "-p", "aliveness", "--example", "managed"])
            .status();
        assert!(cargo.unwrap().success());
    }
    built.display().to_string()
}

#[test]
fn a_program_with_the_helper_is_ready_and_is_replaced_when_it_hangs() {
    let (world, port) = (World::started(), free_port());
    let (program, number, url) = (managed(), port.to_string(), format!("http://127.0.0.1:{port}/health"));
    let check = ["--health-url", &url, "--health-interval", "200ms", "--health-timeout", "300ms"];
    // A few slow answers are no hang.
    let words = [
        "run",
        "--name",
        "web",
        "--backoff",
        "0s",
        "--health-failures",
        "10",
        "--ready-notify",
        "--watchdog",
        "20s",
    ];
    world.ok(&[&words[..], &check, &["--", &program, &number]].concat());
    assert_eq!(ask(port, "GET", "/health").unwrap().0, 200, "it is ready when run returns");
    for command in ["/hang", "/unhealthy"] {
        let pid = world.pid_of("web").unwrap();
        assert_eq!(ask(port, "POST", command).unwrap().0, 200);
        world.wait_for_new_pid("web", pid);
        world.wait_for_state("web", "running");
        let status = world.status("web");
        assert_eq!(status["lastExit"]["reason"], "unhealthy", "{status}");
        // Of the last check: a callback that hangs is answered for at once when it has hung for a second.
        let told = status["health"]["lastFailureReason"].as_str().unwrap();
        assert!(["status 503", "timed out after 300 ms"].iter().any(|why| told.contains(why)), "{status}");
    }
}
