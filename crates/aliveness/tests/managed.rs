//! The example program as a monitor sees it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::{LONG, ask, get};

/// Ends with the test, however that ends.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Where cargo puts it: beside the folder of this test. `cargo test` builds it, `--test managed` alone does not.
fn executable() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().unwrap().parent().unwrap().join("examples/managed");
    assert!(path.exists(), "build it first: cargo build -p aliveness --example managed");
    path
}

fn start(arguments: &[&str], environment: &[(&str, &str)]) -> (Program, SocketAddr) {
    let mut command = Command::new(executable());
    command.args(arguments).env_clear().envs(environment.iter().copied()).stdout(Stdio::piped());
    let mut program = Program(command.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(program.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("it says {line:?}"));
    (program, address.parse().unwrap())
}

#[test]
fn it_is_as_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let hear = |wait: Duration| {
        let mut buffer = [0; 64];
        manager.set_read_timeout(Some(wait)).unwrap();
        manager.recv(&mut buffer).ok().map(|length| String::from_utf8_lossy(&buffer[..length]).into_owned())
    };
    let until = |message: &str| while hear(LONG).unwrap_or_else(|| panic!("no {message}")) != message {};
    let environment = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "40000"), ("PORT", "0")];
    let (mut program, address) = start(&["--delay-ms", "1"], &environment);
    until("READY=1");
    assert_eq!(get(address, "/health").status, 200);
    assert_eq!(get(address, "/status").json()["pid"], program.0.id());
    until("WATCHDOG=1");

    for (path, reason) in [("/unhealthy", "told to be"), ("/hang", "has not answered")] {
        assert_eq!(ask(address, "POST", path).status, 200);
        let health = get(address, "/health");
        assert_eq!((health.status, health.body.contains(reason)), (503, true), "{health:?}");
        // What was pinged before it was told; then a time of many pings without any.
        while hear(Duration::from_millis(300)).is_some() {}
        assert_eq!(ask(address, "POST", "/healthy").status, 200);
        until("WATCHDOG=1");
        assert_eq!(get(address, "/health").status, 200);
    }

    let stopped = ask(address, "POST", "/stop");
    assert_eq!((stopped.status, stopped.body.as_str()), (200, "Stopping\n"));
    until("STOPPING=1");
    assert!(program.0.wait().unwrap().success());
}

#[test]
fn a_port_as_argument() {
    let (first, address) = start(&[], &[]);
    drop(first);
    let (_second, again) = start(&[&address.port().to_string()], &[("PORT", "1")]);
    assert_eq!(again, address);
}
