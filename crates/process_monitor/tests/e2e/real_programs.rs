//! nginx and redis as Debian ships them, killed and brought back.

use crate::harness::{World, command_line, eventually, free_port, kill};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// The policy's delay in these tests, and how soon after it a program must serve again.
const DELAY: &str = "200ms";
const SERVES_WITHIN: Duration = Duration::from_millis(1200);

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
    connection.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    connection.write_all(request.as_bytes()).ok()?;
    let mut buffer = [0; 512];
    let length = connection.read(&mut buffer).ok()?;
    Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

fn nginx_serves(port: u16) -> bool {
    ask(port, "GET / HTTP/1.0\r\n\r\n").is_some_and(|answer| answer.contains("200 OK"))
}

fn redis_serves(port: u16) -> bool {
    ask(port, "PING\r\n").is_some_and(|answer| answer.starts_with("+PONG"))
}

fn run_nginx(world: &World, port: u16) {
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
    world.ok(&[
        "run",
        "--name",
        "nginx",
        "--backoff",
        DELAY,
        "--max-attempts",
        "100",
        "--",
        nginx,
        "-c",
        &config,
    ]);
    eventually("nginx serves", || nginx_serves(port));
}

fn run_redis(world: &World, port: u16) {
    let redis = installed("/usr/bin/redis-server");
    let (port_word, folder) = (port.to_string(), world.path().display().to_string());
    let own = [redis, "--port", &port_word, "--bind", "127.0.0.1", "--save", "", "--dir", &folder];
    let mut words = vec!["run", "--name", "redis", "--backoff", DELAY, "--max-attempts", "100", "--"];
    words.extend(own);
    world.ok(&words);
    eventually("redis serves", || redis_serves(port));
}

fn workers(world: &World) -> usize {
    let is_worker =
        |pid: &u32| command_line(*pid).first().is_some_and(|title| title.starts_with("nginx: worker"));
    world.session_members("nginx").iter().filter(|pid| is_worker(pid)).count()
}

#[test]
fn nginx_and_redis_are_killed_and_serve_again() {
    let world = World::started();
    let (web, store) = (free_port(), free_port());
    run_nginx(&world, web);
    run_redis(&world, store);
    for round in 0..4 {
        for (id, port, serves) in [
            ("nginx", web, nginx_serves as fn(u16) -> bool),
            ("redis", store, redis_serves as fn(u16) -> bool),
        ] {
            let pid = world.pid_of(id).unwrap();
            if round % 2 == 1 {
                world.kill_monitor();
                assert!(serves(port), "{id} serves while no monitor is there");
                world.start();
                assert_eq!(world.pid_of(id), Some(pid), "{id} was adopted");
            }
            kill(pid);
            let killed = Instant::now();
            world.wait_for_new_pid(id, pid);
            eventually(&format!("{id} serves again"), || serves(port));
            assert!(
                killed.elapsed() < SERVES_WITHIN + PAUSE_OF_A_BUSY_MACHINE,
                "{id} took {:?}",
                killed.elapsed()
            );
        }
        eventually("nginx has its two workers, and no others", || workers(&world) == 2);
    }
    world.ok(&["--stop"]);
    assert!(!nginx_serves(web) && !redis_serves(store));
    assert_eq!(workers(&world), 0);
}

/// The tests run side by side on two cores; the promise is for a machine that has some time.
const PAUSE_OF_A_BUSY_MACHINE: Duration = Duration::from_secs(3);

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
