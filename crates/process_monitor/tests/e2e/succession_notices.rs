//! What programs say of themselves (sd_notify(3)) while one image of the monitor follows another.

use crate::harness::{World, eventually};
use std::fs;
use std::process::{Child, Stdio};

/// Connects to the monitor at its start, and from then on says each line that is appended to a file; what goes wrong it
/// prints.
const SPEAKS: &str = r#"
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.connect(os.environ["NOTIFY_SOCKET"])
said, lines = 0, open(sys.argv[1])
print("connected", flush=True)
while True:
    line = lines.readline().strip()
    if not line:
        time.sleep(0.01); continue
    try:
        s.send(line.replace(";", "\n").encode())
    except OSError as error:
        print("refused:", error, flush=True)
    print("said", line, flush=True)
"#;

/// A program that speaks, and what it is to say.
struct Speaker<'a> {
    world: &'a World,
    script: String,
}

impl<'a> Speaker<'a> {
    fn new(world: &'a World) -> Self {
        let path = world.path().join("speaks.py");
        fs::write(&path, SPEAKS).unwrap();
        fs::write(world.path().join("words"), "").unwrap();
        Self { world, script: path.display().to_string() }
    }

    /// Begins a start that waits for READY=1.
    fn start(&self, options: &[&str]) -> Child {
        let words = self.world.path().join("words").display().to_string();
        let command = ["--", "python3", &self.script, &words];
        let all = [&["run", "--name", "web", "--ready-notify"][..], options, &command].concat();
        let child = self.world.command(all).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        eventually("it has connected", || self.printed().contains("connected"));
        child
    }

    fn say(&self, line: &str) {
        use std::io::Write;
        let file = fs::OpenOptions::new().append(true).open(self.world.path().join("words"));
        writeln!(file.unwrap(), "{line}").unwrap();
        eventually("it has said it", || self.printed().contains(&format!("said {line}\n")));
    }

    fn printed(&self) -> String {
        String::from_utf8(self.world.output("web", "stdout")).unwrap()
    }
}

/// The new image waits before it does anything.
fn slow_world() -> World {
    let world = World::new();
    world.start_with_failpoint("succession::followed=1*sleep(4000)");
    world
}

/// Nothing runs in it but the main thread, which has not begun.
fn is_between(world: &World) -> bool {
    let Some(pid) = world.monitor_pid() else { return false };
    let threads = fs::read_dir(format!("/proc/{pid}/task")).map(|threads| threads.count());
    threads.is_ok_and(|threads| threads == 1)
}

#[test]
fn what_is_said_meanwhile_is_heard() {
    let world = slow_world();
    let speaker = Speaker::new(&world);
    let mut run = speaker.start(&[]);
    let mut restart = world.command(["--restart"]).stdout(Stdio::null()).spawn().unwrap();
    eventually("the new one has been executed", || is_between(&world));
    speaker.say("STATUS=said meanwhile;READY=1");
    assert!(restart.wait().unwrap().success());
    world.wait_for_state("web", "running");
    assert_eq!(world.status("web")["health"]["statusText"], "said meanwhile");
    // Who connected to the monitor before is connected to this one.
    speaker.say("STATUS=said after");
    eventually("it is heard", || world.status("web")["health"]["statusText"] == "said after");
    assert!(!speaker.printed().contains("refused"), "{}", speaker.printed());
    assert_eq!(world.status("web")["restartAttempts"], 0);
    assert!(run.wait().unwrap().success(), "it was waited for on");
}

#[test]
fn one_that_is_not_ready_yet_is_waited_for_on() {
    let world = World::started();
    let speaker = Speaker::new(&world);
    let mut run = speaker.start(&["--ready-timeout", "1h"]);
    for _ in 0..2 {
        world.ok(&["--restart"]);
        assert_eq!(world.state_of("web"), "starting");
    }
    speaker.say("READY=1");
    world.wait_for_state("web", "running");
    assert!(run.wait().unwrap().success(), "it was waited for on");
    world.ok(&["stop", "web"]);
    assert_eq!(fs::read_dir(world.state().join("notify")).unwrap().count(), 0, "its socket is left");
}
