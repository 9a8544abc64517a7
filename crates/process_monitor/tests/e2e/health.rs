//! Programs that hang are found and replaced: nginx and redis as Debian ships them, stopped in mid-air.

use crate::harness::{World, eventually, free_port, signal};
use crate::real_programs::{nginx_serves, redis_serves, run_nginx, run_redis};
use serde_json::Value;

/// Checks often, so that the tests are short.
const OFTEN: [&str; 4] = ["--health-interval", "100ms", "--health-timeout", "3s"];

/// Stops `id`, so that it answers nothing any more, and waits for its replacement.
fn hang(world: &World, id: &str) -> Value {
    let pid = world.pid_of(id).unwrap();
    world.session_members(id).into_iter().for_each(|pid| signal(pid, "STOP"));
    world.wait_for_new_pid(id, pid);
    world.wait_for_state(id, "running");
    world.status(id)
}

fn check_report(status: &Value, target: &str) {
    let health = &status["health"];
    assert_eq!(status["lastExit"]["reason"], "unhealthy", "{status}");
    assert_eq!(status["restartAttempts"], 1, "{status}");
    assert!(health["target"].as_str().is_some_and(|found| found.contains(target)), "{status}");
    let reason = health["lastFailureReason"].as_str().unwrap_or_default();
    assert!(reason.contains(target) && reason.ends_with("timed out after 3000 ms"), "{status}");
    assert!(health["failed"].as_u64() >= Some(2) && health["passed"].as_u64() >= Some(1), "{status}");
}

#[test]
fn nginx_by_http() {
    let (world, port) = (World::started(), free_port());
    let url = format!("http://127.0.0.1:{port}/");
    let options =
        [&["--health-url", &url, "--health-codes", "200,204", "--ready-check"][..], &OFTEN].concat();
    run_nginx(&world, port, &options);
    assert!(nginx_serves(port), "it is ready when run returns");
    eventually("it is checked", || world.status("nginx")["healthy"] == true);
    let status = hang(&world, "nginx");
    check_report(&status, &url);
    eventually("it serves again", || nginx_serves(port));
    world.log_that_says("[WARN] check 2 in a row failed: http://127.0.0.1:");
    let shown = world.ok(&["status", "nginx"]);
    assert!(shown.contains("its health check failed (killed by SIGKILL)"), "{shown}");
    assert!(shown.contains("Last failed:") && shown.contains("timed out after 3000 ms"), "{shown}");
}

#[test]
fn redis_by_tcp() {
    // Stopped, it still accepts (the kernel does): only what cannot connect is found this way.
    let (world, port) = (World::started(), free_port());
    let address = format!("127.0.0.1:{port}");
    run_redis(&world, port, &[&["--health-tcp", &address, "--ready-check"][..], &OFTEN].concat());
    assert!(redis_serves(port), "it is ready when run returns");
    eventually("it is checked", || world.status("redis")["healthy"] == true);
    let pid = world.pid_of("redis").unwrap();
    // It closes its port, and goes on.
    assert!(
        std::process::Command::new("redis-cli")
            .args(["-p", &port.to_string(), "CONFIG", "SET", "bind", "127.0.0.2"])
            .output()
            .unwrap()
            .status
            .success()
    );
    world.wait_for_new_pid("redis", pid);
    let status = world.status("redis");
    assert_eq!(status["lastExit"]["reason"], "unhealthy", "{status}");
    let reason = status["health"]["lastFailureReason"].as_str().unwrap_or_default().to_owned();
    assert_eq!(reason, format!("tcp {address}: connection refused"));
    eventually("it serves again", || redis_serves(port));
}

#[test]
fn redis_by_its_own_client() {
    let (world, port) = (World::started(), free_port());
    let command = format!("redis-cli -p {port} ping");
    run_redis(&world, port, &[&["--health-exec", &command, "--ready-check"][..], &OFTEN].concat());
    eventually("it is checked", || world.status("redis")["healthy"] == true);
    let status = hang(&world, "redis");
    check_report(&status, &format!("exec {command}"));
    eventually("it serves again", || redis_serves(port));
    world.ok(&["--stop"]);
    eventually("no check outlives the monitor", || world.running("redis-cli").is_empty());
}
