//! Programs that answer badly, each in its own way: what is found out, and what is said of it.

use crate::harness::{World, eventually, free_port};
use serde_json::Value;
use std::fs;

const SERVER: &str = r#"
import socket, sys, threading, time
how, port = sys.argv[1], int(sys.argv[2])
listener = socket.socket(); listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", port)); listener.listen(100)
print("listening", flush=True)
def talk(c):
    try:
        while True:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                part = c.recv(4096)
                if not part: return
                head += part
            ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
            if how == "silent": time.sleep(1000)
            elif how == "slow": time.sleep(1.0); c.sendall(ok)
            elif how == "wrong": c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nstarting")
            elif how == "busy": c.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
            elif how == "away": c.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://other.example/x\r\nContent-Length: 0\r\n\r\n")
            elif how == "moved" and b" /old " in head: c.sendall(b"HTTP/1.1 301 Moved\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n")
            elif how == "endless":
                c.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                while True: c.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")
            else: c.sendall(ok)
    except OSError: pass
    finally: c.close()
while True:
    c, _ = listener.accept()
    threading.Thread(target=talk, args=(c,), daemon=True).start()
"#;

/// Registers a server that answers as `how` says, checked at `url`; it is not restarted when it is killed.
fn run(world: &World, how: &str, port: u16, url: &str) {
    let server = world.path().join("server.py").display().to_string();
    fs::write(&server, SERVER).unwrap();
    let port = port.to_string();
    // It is checked from the moment in which it listens, and not killed before somebody has looked at it.
    let words =
        ["run", "--name", how, "--restart", "never", "--health-url", url, "--ready-log", "^listening$"];
    let often = ["--health-interval", "500ms", "--health-timeout", "300ms", "--health-failures", "20"];
    world.ok(&[&words[..], &often, &["--", "python3", &server, how, &port]].concat());
}

#[test]
fn each_is_told_with_target_and_reason() {
    let world = World::started();
    let table = [
        ("silent", "timed out after 300 ms"),
        ("slow", "timed out after 300 ms"),
        ("wrong", "body \"starting\" (expected OK, or JSON with \"status\":\"ok\" or \"healthy\":true"),
        ("busy", "status 503"),
        ("away", "status 302, redirects to http://other.example/x, which is another server"),
        ("endless", "body longer than 64 KiB"),
    ];
    for (how, reason) in
        table.into_iter().chain([("nowhere", "name \"no-such-host.invalid\" does not resolve")])
    {
        let port = free_port();
        let url = match how {
            "nowhere" => "http://no-such-host.invalid/".to_owned(),
            _ => format!("http://me:secret@127.0.0.1:{port}/health"),
        };
        run(&world, how, port, &url);
        let mut status = Value::Null;
        eventually(&format!("{how} fails for its reason"), || {
            status = world.status(how);
            status["health"]["lastFailureReason"].as_str().is_some_and(|found| found.contains(reason))
        });
        assert_eq!(status["healthy"], false, "{status}");
        assert!(status["message"].as_str().is_some_and(|text| text.contains("of 20 failed")), "{status}");
        assert!(!status["health"].to_string().contains("secret"), "{status}");
    }
    for (how, _) in table {
        world.wait_for_state(how, "failed");
        assert_eq!(world.status(how)["lastExit"]["reason"], "unhealthy");
    }
    assert!(!world.monitor_log().contains("secret"));
}

#[test]
fn what_recovers_in_time_is_left_alone() {
    let (world, port, another) = (World::started(), free_port(), free_port());
    run(&world, "well", port, &format!("http://127.0.0.1:{port}/"));
    run(&world, "moved", another, &format!("http://127.0.0.1:{another}/old"));
    for id in ["well", "moved"] {
        eventually(&format!("{id} is well"), || world.status(id)["healthy"] == true);
        let status = world.status(id);
        assert_eq!(
            (&status["state"], &status["restartAttempts"]),
            (&"running".into(), &0.into()),
            "{status}"
        );
        assert_eq!(status["health"]["consecutiveFailures"], 0);
    }
    let pid = world.pid_of("well").unwrap();
    crate::harness::signal(pid, "STOP");
    eventually("it fails", || world.status("well")["healthy"] == false);
    crate::harness::signal(pid, "CONT");
    eventually("it is well again", || world.status("well")["healthy"] == true);
    assert_eq!(world.pid_of("well"), Some(pid));
    world.log_that_says("healthy again, after");
}

#[test]
fn one_that_hangs_delays_nobody() {
    let world = World::started();
    let port = free_port();
    run(&world, "silent", port, &format!("http://127.0.0.1:{port}/"));
    for n in 0..40 {
        let (id, url) = (format!("p{n}"), format!("http://127.0.0.1:{port}/"));
        let words =
            ["add", "--name", &id, "--backoff", "0s", "--health-url", &url, "--health-interval", "50ms"];
        let never = ["--health-failures", "100000", "--health-timeout", "30s"];
        world.ok(&[&words[..], &never, &["--", "sleep", "100000"]].concat());
    }
    let ids: Vec<_> = (0..40).map(|n| format!("p{n}")).collect();
    world.ok(&[&["start".to_owned()][..], &ids].concat());
    let pid = world.pid_of("p7").unwrap();
    crate::harness::kill(pid);
    world.wait_for_new_pid("p7", pid);
    world.ok(&["--stop"]);
}
