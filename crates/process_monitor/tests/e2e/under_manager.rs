//! Under a service manager that wants to be told (sd_notify(3)), and under one that opens the sockets (sd_listen_fds(3)).

use crate::harness::{PATIENCE, World, eventually, is_alive, kill, signal};
use crate::http::Connection;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};

/// A service manager of the test's own.
struct Manager {
    socket: UnixDatagram,
    child: Child,
}

impl Manager {
    /// Starts the monitor in the foreground, as a service.
    fn start(world: &World, configure: impl FnOnce(&mut Command)) -> Self {
        let path = world.path().join("manager.sock");
        let _old = std::fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut command = world.command(["--foreground"]);
        command.env("NOTIFY_SOCKET", &path).stdout(Stdio::null()).stderr(Stdio::null());
        configure(&mut command);
        Self { child: command.spawn().unwrap(), socket }
    }

    /// The next message that says something about `what`.
    fn hear(&self, what: &str) -> String {
        loop {
            let mut bytes = [0; 4096];
            let length = self.socket.recv(&mut bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
            let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
            if text.lines().any(|line| line.starts_with(what)) {
                return text;
            }
        }
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        kill(self.child.id());
        self.child.wait().unwrap();
    }
}

#[test]
fn it_is_told_of_the_start_the_switch_and_the_end() {
    let world = World::new();
    world.ok(&["add", "--name", "web", "--stop-timeout", "3s", "--", "sleep", "100000"]);
    let mut manager = Manager::start(&world, |_| {});
    let pid = manager.child.id();
    let ready = manager.hear("READY=1");
    assert!(ready.contains(&format!("MAINPID={pid}\n")) && ready.contains("1 process"), "{ready}");
    // What is said is true: everything is taken up, and being started.
    assert!(["starting", "running"].contains(&world.state_of("web").as_str()));
    world.wait_for_state("web", "running");
    world.ok(&["--restart"]);
    let reloading = manager.hear("RELOADING=1");
    let since = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).unwrap();
    assert!(since.parse::<u64>().unwrap() > 0);
    manager.hear("READY=1");
    signal(pid, "TERM");
    let stopping = manager.hear("STOPPING=1");
    assert!(stopping.contains("EXTEND_TIMEOUT_USEC=33000000\n"), "{stopping}");
    assert_eq!(manager.child.wait().unwrap().code(), Some(0));
}

#[test]
fn programs_are_not_told_who_manages_the_monitor() {
    let world = World::new();
    world.ok(&["add", "--name", "web", "--", "sh", "-c", "env; exec sleep 100000"]);
    let manager = Manager::start(&world, |command| {
        command.env("WATCHDOG_USEC", "20000000");
    });
    manager.hear("READY=1");
    let output = || String::from_utf8(world.output("web", "stdout")).unwrap();
    eventually("it has printed", || output().contains("TOM_PM_PROCESS_ID"));
    for name in ["NOTIFY_SOCKET", "WATCHDOG", "LISTEN_"] {
        assert!(!output().contains(name), "{name}");
    }
}

#[test]
fn it_hears_that_supervision_works_until_that_hangs() {
    let world = World::new();
    let hangs = "supervisor::ping=4*off->1*sleep(1000000)";
    let manager = Manager::start(&world, |command| {
        command.env("WATCHDOG_USEC", "400000").env("FAILPOINTS", hangs);
    });
    for _ in 0..4 {
        manager.hear("WATCHDOG=1");
    }
    // The main thread still serves: that must not keep a monitor alive that supervises nothing.
    assert_eq!(Connection::to(&world).ask("GET", "/monitor/status", None).status, 200);
    manager.socket.set_read_timeout(Some(std::time::Duration::from_millis(1500))).unwrap();
    let mut bytes = [0; 4096];
    assert!(manager.socket.recv(&mut bytes).is_err(), "nothing more is said");
}

#[test]
fn after_a_kill_the_unit_is_started_again_and_goes_on() {
    let world = World::new();
    world.ok(&["add", "--name", "web", "--", "sleep", "100000"]);
    let manager = Manager::start(&world, |_| {});
    manager.hear("READY=1");
    world.wait_for_state("web", "running");
    let web = world.pid_of("web").unwrap();
    // With KillMode=process the programs stay.
    drop(manager);
    assert!(is_alive(web));
    let manager = Manager::start(&world, |_| {});
    manager.hear("READY=1");
    assert_eq!((world.pid_of("web"), world.status("web")["restartAttempts"].as_u64()), (Some(web), Some(0)));
}

/// Opens a socket as a service manager does, says in a file where, and becomes the monitor.
const ACTIVATE: &str = "\
import os, socket, sys
listener = socket.create_server(('127.0.0.1', 0))
if listener.fileno() != 3:
    os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
with open(sys.argv[1] + '.new', 'w') as file:
    file.write(str(listener.getsockname()[1]))
os.rename(sys.argv[1] + '.new', sys.argv[1])
os.environ.update(LISTEN_FDS='1', LISTEN_FDNAMES='aliveness', LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
";

#[test]
fn a_socket_that_the_manager_opened_is_served_and_kept() {
    let world = World::new();
    let told = world.path().join("port");
    let manager = Manager::start(&world, |command| {
        let mut activating = Command::new("python3");
        activating.args(["-c", ACTIVATE]).arg(&told).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => activating.env(name, value),
                None => activating.env_remove(name),
            };
        }
        activating.stdout(Stdio::null()).stderr(Stdio::null());
        *command = activating;
    });
    eventually("the socket is open", || told.exists());
    let port: u16 = std::fs::read_to_string(&told).unwrap().parse().unwrap();
    let ask = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"GET /alive HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    // Whoever comes before it is up waits, and is not refused.
    assert!(ask().ends_with("OK"));
    manager.hear("READY=1");
    world.ok(&["--restart"]);
    assert!(ask().ends_with("OK"));
}
