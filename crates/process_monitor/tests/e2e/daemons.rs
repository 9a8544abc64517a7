//! Programs that make themselves daemons are supervised by their real pid.

use crate::harness::{Said, World, eventually, free_port, is_alive, kill, signal};
use std::fs;
use std::thread;

/// Forks twice, writes its pid to a file and serves it as JSON, and ends with code 7 on SIGTERM.
const DAEMON: &str = r#"
import http.server, json, os, signal, sys
file, port = sys.argv[1], int(sys.argv[2])
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
told = sys.argv[3] if len(sys.argv) > 3 else str(os.getpid())
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"pid": int(told)}).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", port), Handler)
open(file + ".new", "w").write(told + "\n"); os.rename(file + ".new", file)
server.serve_forever()
"#;

struct Daemon {
    world: World,
    port: u16,
    /// What `run` said.
    said: Said,
}

impl Daemon {
    fn run(by_url: bool, further: &[&str]) -> Self {
        let (world, port) = (World::started(), free_port());
        fs::write(world.path().join("daemon.py"), DAEMON).unwrap();
        let url = format!("http://127.0.0.1:{port}/");
        let by = if by_url { ["--status-url", &url] } else { ["--pid-file", "daemon.pid"] };
        let (folder, number) = (world.path().display().to_string(), port.to_string());
        let words = ["run", "--name", "d", "--backoff", "0s", "--cwd", &folder, by[0], by[1]];
        let said =
            world.say([&words[..], &["--", "python3", "daemon.py", "daemon.pid", &number], further].concat());
        Self { world, port, said }
    }

    /// The real pid, once it is known.
    fn settled(&self) -> u32 {
        let mut pid = None;
        eventually("its real pid is known", || {
            let told = fs::read_to_string(self.world.path().join("daemon.pid")).unwrap_or_default();
            pid = told.trim().parse().ok().filter(|pid| is_alive(*pid));
            pid.is_some() && self.world.pid_of("d") == pid && self.world.state_of("d") == "running"
        });
        pid.unwrap()
    }
}

#[test]
fn by_pid_file_or_status_url() {
    for by_url in [false, true] {
        let daemon = Daemon::run(by_url, &[]);
        let world = &daemon.world;
        let first = daemon.settled();
        kill(first);
        world.wait_for_new_pid("d", first);
        let second = daemon.settled();
        assert_eq!(world.status("d")["lastExit"]["signal"], "SIGKILL");
        assert_eq!(world.status("d")["restartAttempts"], 1);

        // Taken over by its real pid, and its end is noticed.
        eventually("that it runs as that is on disk", || {
            let entry = world.entry("d");
            entry["pid"] == second && entry["state"] == "running"
        });
        world.kill_monitor();
        world.start();
        assert_eq!((world.pid_of("d"), world.state_of("d").as_str()), (Some(second), "running"));
        kill(second);
        world.wait_for_new_pid("d", second);
        let third = daemon.settled();

        // Its end while nobody is there is known, with its code.
        world.await_logger_of(third);
        world.kill_monitor();
        signal(third, "TERM");
        eventually("it has ended", || !is_alive(third));
        world.start();
        world.wait_for_new_pid("d", third);
        daemon.settled();
        assert_eq!(world.status("d")["lastExit"]["code"], 7, "{}", world.status("d"));
        world.ok(&["stop", "d"]);
        assert!(world.instances("d").is_empty(), "something of it is left");
        assert!(std::net::TcpListener::bind(("127.0.0.1", daemon.port)).is_ok());
    }
}

#[test]
fn a_start_waits_for_the_real_process() {
    let daemon = Daemon::run(false, &[]);
    // `run` has returned.
    let pid = fs::read_to_string(daemon.world.path().join("daemon.pid"));
    let pid = pid.unwrap_or_else(|error| panic!("{error}: {:?}; {}", daemon.said, daemon.world.status("d")));
    assert_eq!(daemon.world.pid_of("d").map(|pid| pid.to_string()).as_deref(), Some(pid.trim()));
}

/// A daemon that tells a pid that is not its own is not ready, and is killed.
fn not_believed(told: &str) {
    let (world, port) = (World::started(), free_port());
    fs::write(world.path().join("daemon.py"), DAEMON).unwrap();
    let (folder, port) = (world.path().display().to_string(), port.to_string());
    let words = ["run", "--name", "liar", "--restart", "never", "--cwd", &folder, "--pid-file", "d.pid"];
    // As long as Python takes on a slow machine until it has told.
    let patience = ["--ready-log", "never", "--ready-timeout", "8s"];
    let said =
        world.say([&words[..], &patience, &["--", "python3", "daemon.py", "d.pid", &port, told]].concat());
    assert!(
        said.stderr.contains(&format!("tells pid {told}, which is no live process of its tree")),
        "{said:?}"
    );
    eventually("what lied is gone", || world.instances("liar").is_empty());
}

#[test]
fn a_pid_that_is_not_its_own_is_not_believed() {
    let mut stranger = std::process::Command::new("sleep").arg("100000").spawn().unwrap();
    let told = ["1".to_owned(), stranger.id().to_string(), "4194304".to_owned()];
    thread::scope(|scope| {
        for told in &told {
            scope.spawn(move || not_believed(told));
        }
    });
    assert!(is_alive(stranger.id()), "a stranger was signalled");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn a_launcher_that_leaves_nobody_has_just_ended() {
    let world = World::started();
    let words = ["run", "--name", "d", "--restart", "on-failure", "--pid-file", "no.pid", "--", "true"];
    let said = world.say(words);
    assert_eq!(said.code, Some(1), "{said:?}");
    world.wait_for_state("d", "stopped");
    assert_eq!(world.status("d")["lastExit"]["code"], 0);
}
