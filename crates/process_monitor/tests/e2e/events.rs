//! Listening to what happens, and signals.

use crate::harness::{World, eventually, kill};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread;

/// A reader of `events --json`, in the background. It ends with the world.
struct Listening {
    child: Child,
    events: mpsc::Receiver<Value>,
    seen: Vec<Value>,
}

impl Listening {
    fn start(world: &World, args: &[&str]) -> Self {
        let words = [&["events", "--json"][..], args].concat();
        let mut child = world.command(words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, events) = mpsc::channel();
        thread::spawn(move || {
            lines.map_while(Result::ok).all(|line| sender.send(serde_json::from_str(&line).unwrap()).is_ok())
        });
        Self { child, events, seen: Vec::new() }
    }

    /// Waits until it hears: it may have begun to listen only after the first events. `id` is nobody's yet.
    fn await_first(&self, world: &World, id: &str) {
        eventually("it listens", || {
            world.ok(&["add", "--name", id, "--", "true"]);
            world.ok(&["remove", id]);
            self.events.try_iter().count() > 0
        });
    }

    /// Waits for an event; those before it are kept in `seen`.
    fn wait_for(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event = self.events.recv_timeout(crate::harness::PATIENCE);
            let event = event.unwrap_or_else(|_| panic!("{what} does not come: {:?}", self.seen));
            self.seen.push(event.clone());
            if is_it(&event) {
                return event;
            }
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn transition(event: &Value) -> String {
    format!("{}>{}", event["from"].as_str().unwrap_or("-"), event["to"].as_str().unwrap_or("-"))
}

fn goes_to(state: &'static str) -> impl Fn(&Value) -> bool {
    move |event| event["to"] == state
}

#[test]
fn every_transition_is_told_in_order_also_across_restarts_of_the_monitor() {
    let world = World::started();
    let mut listening = Listening::start(&world, &[]);
    listening.await_first(&world, "probe");
    world.ok(&["run", "--name", "web", "--backoff", "0s", "--", "sleep", "100000"]);
    listening
        .wait_for("its registration", |event| event["kind"] == "registered" && event["process"] == "web");
    let up = listening.wait_for("its start", goes_to("running"));
    assert_eq!(up["pid"].as_u64(), world.pid_of("web").map(u64::from));
    listening.seen.clear();
    kill(world.pid_of("web").unwrap());
    listening.wait_for("its return", goes_to("running"));
    let seen: Vec<_> = listening.seen.iter().map(transition).collect();
    assert_eq!(seen, ["running>crashed", "crashed>starting", "starting>running"]);
    assert!(
        listening.seen[0]["message"].as_str().unwrap().contains("signal 9 (SIGKILL)"),
        "{:?}",
        listening.seen
    );

    // Nothing happened to it, so nothing is told of a restart of the monitor, and nothing is missing.
    world.ok(&["--restart"]);
    listening.seen.clear();
    world.ok(&["stop", "web"]);
    listening.wait_for("its stop", goes_to("stopping"));
    assert_eq!(listening.seen.iter().map(transition).collect::<Vec<_>>(), ["running>stopping"]);
    // A monitor that was killed took with it what it had not told: that is said.
    world.kill_monitor();
    world.start();
    listening.wait_for("a gap", |event| event["kind"] == "missed");
    world.ok(&["start", "web"]);
    world.ok(&["stop", "web"]);
    listening.wait_for("its end", goes_to("stopped"));
    world.ok(&["remove", "web"]);
    listening.wait_for("its removal", |event| event["kind"] == "removed");
}

/// What comes as the answer to a request, line by line.
fn lines_of(world: &World, head: &str) -> impl Iterator<Item = String> + use<> {
    let mut stream = UnixStream::connect(world.state().join("control.sock")).unwrap();
    stream.set_read_timeout(Some(crate::harness::PATIENCE)).unwrap();
    stream.write_all(format!("GET /events HTTP/1.1\r\nHost: localhost\r\n{head}\r\n").as_bytes()).unwrap();
    BufReader::new(stream).lines().map_while(Result::ok)
}

#[test]
fn a_stream_goes_on_after_the_event_that_is_named() {
    let world = World::started();
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    // Everything there is, because nothing is named that this monitor knows.
    let ids = lines_of(&world, "Last-Event-ID: nonsense\r\n")
        .filter_map(|line| line.strip_prefix("id: ").map(str::to_owned));
    let ids: Vec<_> = ids.take(4).collect();
    let again = lines_of(&world, &format!("Last-Event-ID: {}\r\n", ids[2]));
    let next = again.filter_map(|line| line.strip_prefix("id: ").map(str::to_owned)).next();
    assert_eq!(next.as_ref(), Some(&ids[3]));
    // An open stream does not keep the monitor from ending.
    let open = lines_of(&world, "");
    world.ok(&["--stop"]);
    assert!(open.last().is_some());
}

#[test]
fn health_is_told() {
    let world = World::started();
    let mut listening = Listening::start(&world, &["web"]);
    listening.await_first(&world, "web");
    let well = world.path().join("well").display().to_string();
    let check = [
        "--health-exec",
        &format!("test -e {well}"),
        "--health-interval",
        "50ms",
        "--health-failures",
        "100000",
        "--health-timeout",
        "30s",
    ];
    world.ok(&[&["run", "--name", "web"][..], &check, &["--", "sleep", "100000"]].concat());
    let ill = listening.wait_for("a failure", |event| event["kind"] == "health");
    assert_eq!(ill["healthy"], false);
    assert!(ill["message"].as_str().unwrap().contains("exit code 1"), "{ill}");
    std::fs::write(&well, "").unwrap();
    listening.wait_for("its recovery", |event| event["kind"] == "health" && event["healthy"] == true);
}

#[test]
fn a_signal_is_sent_and_nothing_else_changes() {
    let world = World::started();
    let seen = world.path().join("seen").display().to_string();
    let text = format!(
        "#!/bin/bash\ntrap 'echo hup >> {seen}' HUP\necho up > {seen}\nwhile true; do sleep 0.01; done\n"
    );
    let program = world.script("traps", &text);
    world.ok(&["run", "--name", "web", "--", &program]);
    let pid = world.pid_of("web");
    let read = || std::fs::read_to_string(&seen).unwrap_or_default();
    eventually("it is up", || read() == "up\n");
    assert_eq!(world.ok(&["signal", "web", "SIGHUP"]), "web: SIGHUP was sent, it is running\n");
    eventually("it has come", || read() == "up\nhup\n");
    assert_eq!((world.pid_of("web"), world.status("web")["restartAttempts"].as_u64()), (pid, Some(0)));
    world.ok(&["stop", "web"]);
    let refused = world.say(["signal", "web", "SIGHUP"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("does not run"), "{refused:?}");
    assert_eq!(world.say(["signal", "web", "SIGNONE"]).code, Some(2));
    assert_eq!(world.say(["signal", "nobody", "SIGHUP"]).code, Some(4));
}
