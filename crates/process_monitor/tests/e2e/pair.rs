//! Two monitors that keep each other alive: kills, hangs, stops, strangers.

use crate::harness::{World, eventually, free_port, is_alive, kill, signal, start_time};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

pub const BOTH: [&str; 2] = ["default", "watcher"];

/// What a world of two monitors is asked.
impl World {
    /// Both monitors, which have found each other.
    pub fn paired() -> Self {
        let world = Self::started();
        world.begin("watcher");
        world.await_pair();
        world
    }

    /// Starts the monitor of an instance.
    pub fn begin(&self, instance: &str) {
        self.ok(&["--instance", instance]);
    }

    /// The pid of an instance's monitor, when one runs.
    pub fn pid_of_monitor(&self, instance: &str) -> Option<u32> {
        let text = fs::read_to_string(self.state_file(instance, "monitor.json")).ok()?;
        let info: Value = serde_json::from_str(&text).ok()?;
        let pid = info["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok())?;
        (is_alive(pid) && start_time(pid) == info["startTime"].as_u64()).then_some(pid)
    }

    pub fn state_file(&self, instance: &str, name: &str) -> PathBuf {
        self.path().join(format!("{instance}_state")).join(name)
    }

    /// `--status` of an instance; `Null` while it does not answer.
    pub fn status_of_monitor(&self, instance: &str) -> Value {
        let said = self.say(["--instance", instance, "--status", "--json"]);
        serde_json::from_str(&said.stdout).unwrap_or_default()
    }

    /// Waits until both run, each watches the other, and each has written so.
    pub fn await_pair(&self) {
        let sees = |instance: &str, partner: &str| {
            let (status, pid) = (self.status_of_monitor(instance), self.pid_of_monitor(partner));
            status["partnerStatus"] == "running"
                && pid.is_some()
                && status["partnerPid"].as_u64() == pid.map(u64::from)
        };
        eventually("each watches the other", || sees("default", "watcher") && sees("watcher", "default"));
    }

    /// Waits until an instance's monitor is another than `old`.
    pub fn await_new_monitor(&self, instance: &str, old: u32) -> u32 {
        let mut new = None;
        eventually(&format!("{instance} is replaced"), || {
            new = self.pid_of_monitor(instance).filter(|pid| *pid != old);
            new.is_some()
        });
        new.unwrap()
    }

    /// Waits until `instance` has noticed that its partner is down, and leaves it so.
    fn await_partner_down(&self, instance: &str) {
        eventually(&format!("{instance} knows"), || {
            self.status_of_monitor(instance)["partnerStatus"] == "stopped"
        });
    }

    /// Why `instance` started its partner, oldest first.
    pub fn causes(&self, instance: &str) -> Vec<String> {
        let text = fs::read(self.state_file(instance, "replacements.json")).unwrap_or_default();
        let all: Vec<Value> = serde_json::from_slice(&text).unwrap_or_default();
        all.iter().map(|one| one["why"].as_str().unwrap().to_owned()).collect()
    }

    fn registry_of(&self, instance: &str) -> Value {
        let text = fs::read(self.path().join(format!("processes_{instance}.json"))).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn log_of(&self, instance: &str) -> String {
        let folder = fs::read_dir(self.path().join(format!("{instance}_logs"))).unwrap();
        let logs = folder.flatten().map(|entry| entry.path()).filter(|path| path.is_file());
        logs.map(|path| fs::read_to_string(path).unwrap()).collect()
    }
}

#[test]
fn each_replaces_the_other_and_nothing_is_stopped() {
    let world = World::paired();
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    let web = world.pid_of("web");
    for (victim, other) in [("default", "watcher"), ("watcher", "default"), ("default", "watcher")] {
        let old = world.pid_of_monitor(victim).unwrap();
        kill(old);
        world.await_new_monitor(victim, old);
        world.await_pair();
        assert!(world.causes(other).last().unwrap().contains("SIGKILL"), "{:?}", world.causes(other));
        assert_eq!((world.pid_of("web"), world.instances("web").len()), (web, 1), "after {victim}");
    }
    for (instance, partner) in [("default", "watcher"), ("watcher", "default")] {
        let pid = world.pid_of_monitor(partner).map(u64::from);
        eventually("the registry tells who watches", || {
            let info = &world.registry_of(instance)["watcherInfo"];
            let port = &world.status_of_monitor(partner)["alivenessPort"];
            info["watcherPid"].as_u64() == pid
                && pid.is_some()
                && info["watcherInstanceId"] == partner
                && port.is_u64()
                && info["watcherAlivenessPort"] == *port
        });
    }
    let status = world.ok(&["--status"]);
    assert!(status.contains("  Partner: watcher (running, PID "), "{status}");
    let (level, found, _) = world.doctor("partner");
    assert!(level == "ok" && found.contains("watcher started default 2 time(s)"), "{level} {found}");
}

/// A server that says 200 OK to everything, until the test ends.
fn yes_man() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _lines = BufReader::new(stream.try_clone().unwrap()).lines().next();
            let _gone =
                (&stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK");
        }
    });
    port
}

#[test]
fn one_that_hangs_is_replaced_whatever_a_stranger_says_on_its_port() {
    let world = World::new();
    let discovery = json!({"partnerAlivenessPort": yes_man()});
    for instance in BOTH {
        let text = json!({"instanceId": instance, "partnerDiscovery": discovery}).to_string();
        fs::write(world.path().join(format!("processes_{instance}.json")), text).unwrap();
        world.begin(instance);
    }
    world.await_pair();
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    let web = world.pid_of("web");
    let (old, watcher) = (world.pid_of_monitor("default").unwrap(), world.pid_of_monitor("watcher"));
    let begun = Instant::now();
    signal(old, "STOP");
    world.await_new_monitor("default", old);
    let taken = begun.elapsed();
    assert!(taken > Duration::from_secs(4), "after {taken:?}: two checks 3 s apart take longer");
    world.await_pair();
    assert!(!is_alive(old));
    assert_eq!((world.pid_of("web"), world.instances("web").len()), (web, 1));
    assert!(world.causes("watcher").last().unwrap().contains("hung"), "{:?}", world.causes("watcher"));
    assert_eq!(world.pid_of_monitor("watcher"), watcher, "who is well is left alone");
}

#[test]
fn what_was_stopped_stays_stopped_and_what_is_started_is_found() {
    let world = World::paired();
    for (stopped, other) in [("default", "watcher"), ("watcher", "default")] {
        let before = world.causes(other).len();
        match stopped {
            "default" => drop(world.ok(&["--instance", stopped, "--stop"])),
            // As a service manager does it.
            _ => signal(world.pid_of_monitor(stopped).unwrap(), "TERM"),
        }
        world.await_partner_down(other);
        assert_eq!((world.pid_of_monitor(stopped), world.causes(other).len()), (None, before));
        let (level, found, _) = world.doctor("partner");
        assert!(level == "ok" && found.contains("stop"), "{level}: {found}");
        world.begin(stopped);
        world.await_pair();
        // A word that was left once does not outlive the next life.
        let pid = world.pid_of_monitor(stopped).unwrap();
        kill(pid);
        world.await_new_monitor(stopped, pid);
        world.await_pair();
    }
}

#[test]
fn both_are_stopped_together() {
    let world = World::paired();
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    let said = world.ok(&["--stop", "--all"]);
    assert!(said.contains("monitor default") && said.contains("monitor watcher"), "{said}");
    eventually("nothing runs", || world.processes().is_empty());
    assert_eq!(world.say(["--stop", "--all"]).code, Some(3));
    // The wish to be paired ends with it: a monitor that is started alone is alone.
    world.start();
    world.await_partner_down("default");
    assert_eq!(world.pid_of_monitor("watcher"), None);
}

#[test]
fn both_were_killed_and_one_brings_the_other_back() {
    let world = World::paired();
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    let web = world.pid_of("web");
    kill_both(&world);
    world.start();
    world.await_pair();
    assert_eq!((world.pid_of("web"), world.instances("web").len()), (web, 1));

    // Unless somebody says that it is to stay down.
    kill_both(&world);
    assert_eq!(world.say(["--stop"]).code, Some(3));
    world.begin("watcher");
    world.await_partner_down("watcher");
    assert_eq!(world.pid_of_monitor("default"), None);
    assert!(is_alive(web.unwrap()), "what it managed goes on");
}

/// Both at once: should one have been faster, its replacement is killed, too.
fn kill_both(world: &World) {
    let pids = || BOTH.iter().filter_map(|instance| world.pid_of_monitor(instance)).collect::<Vec<_>>();
    pids().into_iter().for_each(|pid| signal(pid, "STOP"));
    eventually("both are gone", || {
        let left = pids();
        left.iter().for_each(|pid| kill(*pid));
        left.is_empty()
    });
}

#[test]
fn a_partner_is_started_when_that_is_wanted() {
    let world = World::new();
    let text = json!({"partnerDiscovery": {"startPartnerIfMissing": true}, "processes": {}}).to_string();
    fs::write(world.registry(), text).unwrap();
    world.start();
    world.await_pair();
    assert!(world.causes("default")[0].contains("startPartnerIfMissing"), "{:?}", world.causes("default"));
    world.ok(&["--instance", "watcher", "--stop"]);
    world.await_partner_down("default");
    // Cut off and started again, the monitor still knows that its partner is to be down.
    let old = world.pid_of_monitor("default").unwrap();
    kill(old);
    eventually("it is gone", || !is_alive(old));
    world.start();
    world.await_partner_down("default");
    assert_eq!((world.pid_of_monitor("watcher"), world.causes("default").len()), (None, 1));
    // Stopped and started, it begins anew.
    world.ok(&["--stop"]);
    world.start();
    world.await_pair();
}

#[test]
fn who_wants_no_partner_has_none() {
    let world = World::new();
    world.ok(&["--standalone"]);
    world.begin("watcher");
    let status = world.status_of_monitor("default");
    assert_eq!((&status["standaloneMode"], &status["partnerInstanceId"]), (&json!(true), &Value::Null));
    let old = world.pid_of_monitor("default").unwrap();
    eventually("the watcher has seen it", || world.status_of_monitor("watcher")["partnerPid"] == old);
    kill(old);
    eventually("the watcher leaves it so", || {
        world.status_of_monitor("watcher")["partnerStatus"] == "unknown"
    });
    assert_eq!((world.pid_of_monitor("default"), world.causes("watcher").len()), (None, 0));
    let (_, found, _) = world.doctor("partner");
    assert!(found.contains("watcher runs"), "{found}");
}

#[test]
fn one_too_many_leaves_without_a_fuss() {
    let world = World::started();
    let pid = world.pid_of_monitor("default");
    let starts: Vec<_> = (0..4)
        .map(|_| world.command(["daemon"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
        .collect();
    for start in starts {
        let output = start.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(world.pid_of_monitor("default"), pid);
    let log = world.log_of("default");
    assert_eq!(log.matches("runs already, with pid").count(), 4, "{log}");
}

#[test]
fn a_number_that_was_given_away_is_not_the_partner() {
    let world = World::new();
    let mut stranger = Command::new("sleep").arg("100000").spawn().unwrap();
    let (pid, started) = (stranger.id(), start_time(stranger.id()).unwrap());
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap().trim().to_owned();
    let other = "11111111-2222-3333-4444-555555555555".to_owned();
    fs::create_dir(world.path().join("watcher_state")).unwrap();
    signal(pid, "STOP");
    for (started, boot) in [(started + 1, &boot), (started, &other)] {
        let info = json!({"pid": pid, "startTime": started, "bootId": boot, "since": "2026-01-01T00:00:00Z"});
        fs::write(world.state_file("watcher", "monitor.json"), info.to_string()).unwrap();
        fs::write(world.state_file("watcher", "leaving.json"), info.to_string()).unwrap();
        world.start();
        if boot == &other {
            // Nothing is known of the last boot, so nobody is missed.
            assert_eq!(world.status_of_monitor("default")["partnerStatus"], "unknown");
        } else {
            world.await_pair();
        }
        assert!(is_alive(pid), "it was killed");
        world.ok(&["--stop", "--all"]);
    }
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

/// A monitor that is none: it has the record and the lock, answers nothing, and ends with `code` when told.
fn impostor(world: &World, code: i32) -> std::process::Child {
    let state = world.path().join("watcher_state");
    fs::create_dir_all(&state).unwrap();
    let text = "import fcntl, json, os, sys\nstate, code = sys.argv[1:]\n\
         lock = open(state + '/monitor.lock', 'w')\nfcntl.flock(lock, fcntl.LOCK_EX)\n\
         stat = open('/proc/self/stat').read().rsplit(')', 1)[1].split()\n\
         boot = open('/proc/sys/kernel/random/boot_id').read().strip()\n\
         info = dict(pid=os.getpid(), startTime=int(stat[19]), bootId=boot, since='2026-01-01T00:00:00Z')\n\
         open(state + '/new', 'w').write(json.dumps(info))\nos.rename(state + '/new', state + '/monitor.json')\n\
         print('ready', flush=True)\nsys.stdin.read()\n\
         if code == '0': os.remove(state + '/monitor.json')\nos._exit(int(code))\n";
    let mut command = Command::new("python3");
    command.args(["-c", text]).arg(&state).arg(code.to_string());
    // Its replacement has its environment.
    command.env("TOM_PM_DIRECTORY", world.path());
    command.env("TOM_PM_ALIVENESS_PORT", "0").env("TOM_PM_API_PORT", "0");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0; 5]).unwrap();
    child
}

#[test]
fn exit_code_75_asks_for_a_restart_and_0_for_none() {
    for (code, expected) in [(75, Some("asked")), (3, Some("code 3")), (0, None)] {
        let world = World::new();
        let mut partner = impostor(&world, code);
        world.start();
        let pid = partner.id();
        eventually("it is watched", || world.status_of_monitor("default")["partnerPid"] == pid);
        drop(partner.stdin.take());
        match expected {
            Some(why) => {
                world.await_pair();
                assert!(world.causes("default")[0].contains(why), "{code}: {:?}", world.causes("default"));
            }
            None => {
                world.await_partner_down("default");
                assert_eq!(world.pid_of_monitor("watcher"), None);
            }
        }
        // How it ended can be read for as long as nobody has asked.
        partner.wait().unwrap();
    }
}

#[test]
fn what_was_said_is_kept_although_the_monitor_and_its_logger_died() {
    let world = World::paired();
    let folder = world.path().display();
    let program = world.script(
        "says",
        &format!("#!/bin/bash\nwhile [ ! -e {folder}/go ]; do sleep 0.01; done\necho last words\nexit 7\n"),
    );
    world.ok(&["run", "--name", "web", "--restart", "never", "--", &program]);
    let pid = world.pid_of("web").unwrap();
    let watcher = world.pid_of_monitor("watcher").unwrap();
    let holds = || {
        let ends = fs::read_dir(format!("/proc/{watcher}/fd")).unwrap().flatten();
        let fifos = world.path().join("default_state/fifo");
        ends.filter(|end| fs::read_link(end.path()).is_ok_and(|to| to.starts_with(&fifos))).count() == 2
    };
    eventually("the watcher holds its outputs", holds);
    // It shall not bring the other back before the program has ended.
    signal(watcher, "STOP");
    let doomed: Vec<_> = world.loggers().into_iter().chain(world.pid_of_monitor("default")).collect();
    assert_eq!(doomed.len(), 2);
    doomed.iter().for_each(|pid| signal(*pid, "STOP"));
    doomed.iter().for_each(|pid| kill(*pid));
    eventually("both are gone", || doomed.iter().all(|pid| !is_alive(*pid)));
    fs::write(world.path().join("go"), "").unwrap();
    eventually("the program has ended", || !is_alive(pid));
    signal(watcher, "CONT");
    world.await_pair();
    eventually("its last words are there", || world.output("web", "stdout") == b"last words\n");
    eventually("nothing is held for nothing", || {
        let ends = fs::read_dir(format!("/proc/{watcher}/fd")).unwrap().flatten();
        ends.filter(|end| fs::read_link(end.path()).is_ok_and(|to| to.to_string_lossy().contains("/fifo/")))
            .count()
            == 0
    });
}

#[test]
fn a_replacement_is_started_as_the_one_before() {
    let world = World::new();
    let port = free_port().to_string();
    let started =
        world.command(["--log", "debug", "--aliveness-port", &port]).env("FLAVOUR", "vanilla").output();
    assert!(started.unwrap().status.success());
    world.begin("watcher");
    world.await_pair();
    let old = world.pid_of_monitor("default").unwrap();
    kill(old);
    let new = world.await_new_monitor("default", old);
    world.await_pair();
    let words = crate::harness::command_line(new).join(" ");
    assert!(words.contains("--log debug") && words.contains(&port), "{words}");
    let watcher = world.pid_of_monitor("watcher").unwrap();
    assert!(words.contains(&format!("--watcher-pid {watcher}")), "{words}");
    world.ok(&["run", "--name", "web", "--", "sleep", "100000"]);
    let flavour = crate::harness::variable_of(world.pid_of("web").unwrap(), "FLAVOUR");
    assert_eq!(flavour.as_deref(), Some("vanilla"), "programs get what they got before");
}
