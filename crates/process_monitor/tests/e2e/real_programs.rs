//! nginx and redis as Debian ships them, killed and brought back.

use crate::harness::{World, command_line, eventually, free_port, in_sessions, kill};
use process_monitor_core::time::Wall;
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

/// The policy's delay in these tests, and how soon a program must be started again, the delay included.
const DELAY: &str = "200ms";
const STARTED_WITHIN: u64 = 1200;

fn installed(program: &'static str) -> &'static str {
    assert!(
        Path::new(program).exists(),
        "{program} is missing; install it (Debian: nginx-light, redis-server)"
    );
    program
}

/// Sends `request` and returns the beginning of the answer.
fn ask(port: u16, request: &str) -> Option<String> {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).ok()?;
    connection.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    connection.write_all(request.as_bytes()).ok()?;
    let mut buffer = [0; 512];
    let length = connection.read(&mut buffer).ok()?;
    Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

pub fn nginx_serves(port: u16) -> bool {
    ask(port, "GET / HTTP/1.0\r\n\r\n").is_some_and(|answer| answer.contains("200 OK"))
}

pub fn redis_serves(port: u16) -> bool {
    ask(port, "PING\r\n").is_some_and(|answer| answer.starts_with("+PONG"))
}

/// Registers and starts nginx, with further `options` of the monitor.
pub fn run_nginx(world: &World, port: u16, options: &[&str]) {
    let folder = world.path().join("nginx");
    fs::create_dir(&folder).unwrap();
    let at = folder.display();
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {at}/{kind};"))
        .join("\n");
    let text = format!(
        "daemon off; worker_processes 2; pid {at}/nginx.pid; error_log stderr;\n\
         events {{ worker_connections 64; }}\n\
         http {{ access_log /dev/stdout; {paths}\n server {{ listen 127.0.0.1:{port}; location / {{ return 200 'ok'; }} }} }}\n"
    );
    let config = folder.join("nginx.conf").display().to_string();
    fs::write(&config, text).unwrap();
    let nginx = installed("/usr/sbin/nginx");
    let words = ["run", "--name", "nginx", "--backoff", DELAY, "--max-attempts", "100"];
    world.ok(&[&words[..], options, &["--", nginx, "-c", &config]].concat());
    eventually("nginx serves", || nginx_serves(port));
}

/// Registers and starts redis, with further `options` of the monitor.
pub fn run_redis(world: &World, port: u16, options: &[&str]) {
    let redis = installed("/usr/bin/redis-server");
    let (port_word, folder) = (port.to_string(), world.path().display().to_string());
    let own = [redis, "--port", &port_word, "--bind", "127.0.0.1", "--save", "", "--dir", &folder];
    let words = ["run", "--name", "redis", "--backoff", DELAY, "--max-attempts", "100"];
    world.ok(&[&words[..], options, &["--"], &own].concat());
    eventually("redis serves", || redis_serves(port));
}

/// The workers of all masters, dead ones included.
fn workers(masters: &[u32]) -> usize {
    let is_worker =
        |pid: &u32| command_line(*pid).first().is_some_and(|title| title.starts_with("nginx: worker"));
    in_sessions(masters).iter().filter(|pid| is_worker(pid)).count()
}

/// A program, where it serves, and whether it does.
type Server = (&'static str, u16, fn(u16) -> bool);

/// Kills a server, and the monitor before that if `orphaned`; how long it was away by the monitor's clock, in milliseconds.
fn killed(world: &World, (id, port, serves): Server, orphaned: bool, masters: &mut Vec<u32>) -> u64 {
    let pid = world.pid_of(id).unwrap();
    if orphaned {
        world.kill_monitor();
        assert!(serves(port), "{id} serves while no monitor is there");
        world.start();
        assert_eq!(world.pid_of(id), Some(pid), "{id} was adopted");
    }
    kill(pid);
    masters.push(world.wait_for_new_pid(id, pid));
    eventually(&format!("{id} serves again"), || {
        assert!(workers(masters) <= 2, "workers of a dead master are still there");
        serves(port)
    });
    let status = world.status(id);
    let at = |time: &Value| serde_json::from_value::<Wall>(time.clone()).unwrap().unix_millis();
    u64::try_from(at(&status["lastStartedAt"]) - at(&status["lastExit"]["at"])).unwrap()
}

#[test]
fn nginx_and_redis_are_killed_and_serve_again() {
    let world = World::started();
    let (web, store) = (free_port(), free_port());
    run_nginx(&world, web, &[]);
    run_redis(&world, store, &[]);
    let mut masters = vec![world.pid_of("nginx").unwrap()];
    let servers: [Server; 2] = [("nginx", web, nginx_serves), ("redis", store, redis_serves)];
    for server in servers {
        let pauses: Vec<_> =
            (0..4).map(|round| killed(&world, server, round % 2 == 1, &mut masters)).collect();
        eventually("nginx has its two workers, and no others", || workers(&masters) == 2);
        // The tests run side by side on two cores; the promise is for a machine that has some time.
        assert!(pauses.iter().min() < Some(&STARTED_WITHIN), "{pauses:?}");
    }
    world.ok(&["--stop"]);
    assert!(!nginx_serves(web) && !redis_serves(store));
    assert_eq!(workers(&masters), 0);
}

#[test]
fn a_python_server_and_a_shell_loop() {
    let world = World::started();
    let port = free_port();
    let word = port.to_string();
    world.ok(&[
        "run",
        "--name",
        "web",
        "--backoff",
        DELAY,
        "--",
        "python3",
        "-u",
        "-m",
        "http.server",
        &word,
    ]);
    world.ok(&["run", "--name", "loop", "--", "/bin/sh", "-c", "while :; do echo tick; sleep 0.02; done"]);
    eventually("python serves", || {
        ask(port, "GET / HTTP/1.0\r\n\r\n").is_some_and(|answer| answer.contains("200"))
    });
    eventually("ticks are kept", || world.output("loop", "stdout").starts_with(b"tick\ntick\n"));
    let log = || String::from_utf8_lossy(&world.output("web", "stderr")).into_owned();
    eventually("requests are kept", || log().contains("GET / HTTP/1.0"));
    let pid = world.pid_of("web").unwrap();
    kill(pid);
    world.wait_for_new_pid("web", pid);
    eventually("python serves again", || ask(port, "GET / HTTP/1.0\r\n\r\n").is_some());
}
