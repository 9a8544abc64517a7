//! A monitor that replaces itself again and again, while many ask it, listen to it, and while programs crash: nobody is
//! refused, nothing is missed, nothing is counted wrongly. Prints how long the longest pauses were.

use crate::harness::{PATIENCE, World, eventually, is_alive, kill, start_time};
use crate::http::Connection;
use process_monitor_core::time::Wall;
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const STREAMS: usize = 20;
const RESTARTS: usize = 4;
const VICTIMS: usize = 3;
/// 100 requests a second.
const BETWEEN_REQUESTS: Duration = Duration::from_millis(10);

/// What all threads share.
struct Load {
    port: u16,
    over: AtomicBool,
    /// How many listen already: what happens before is not told to them.
    listening: AtomicUsize,
    /// When each victim was killed, in its order, in milliseconds of the wall clock.
    kills: Mutex<HashMap<String, Vec<u64>>>,
}

impl Load {
    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::SeqCst)
    }

    fn send(&self, path: &str, head: &str) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("nobody is refused");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    /// Asks all the time; the longest wait for an answer.
    fn ask(&self) -> Duration {
        let mut longest = Duration::ZERO;
        while self.goes_on() {
            let begun = Instant::now();
            let mut answer = String::new();
            self.send("/monitor/status", "").read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            longest = longest.max(begun.elapsed());
            thread::sleep(BETWEEN_REQUESTS.saturating_sub(begun.elapsed()));
        }
        longest
    }

    /// Listens until an event of the process `end`; every event, in the order of their coming.
    fn listen(&self) -> Vec<Value> {
        let mut seen: Vec<Value> = Vec::new();
        loop {
            let last =
                seen.last().map(|event| format!("Last-Event-ID: {}\r\n", event["id"].as_str().unwrap()));
            let is_first = last.is_none();
            let stream = self.send("/events", &last.unwrap_or_default());
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if is_first && line.starts_with("HTTP/1.1 200") {
                    self.listening.fetch_add(1, Ordering::SeqCst);
                }
                let Some(data) = line.strip_prefix("data:") else { continue };
                let event: Value = serde_json::from_str(data).unwrap();
                let ended = event["process"] == "end";
                seen.push(event);
                if ended {
                    return seen;
                }
            }
        }
    }

    /// Kills a process whenever it runs.
    fn kill(&self, world: &World, id: &str) {
        let pid = || Connection::to(world).ask("GET", &format!("/processes/{id}"), None).body["pid"].as_u64();
        let mut killed = None;
        while self.goes_on() {
            match pid().filter(|pid| Some(*pid) != killed) {
                Some(pid) => {
                    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
                    kill(u32::try_from(pid).unwrap());
                    killed = Some(pid);
                    let mut kills = self.kills.lock().unwrap();
                    kills.entry(id.to_owned()).or_default().push(u64::try_from(now).unwrap());
                }
                None => thread::sleep(Duration::from_millis(5)),
            }
        }
    }
}

#[test]
fn under_load_nobody_notices() {
    let world = World::started();
    for nth in 0..5 {
        world.ok(&["run", "--name", &format!("steady-{nth}"), "--", "sleep", "100000"]);
    }
    let victims: Vec<String> = (0..VICTIMS).map(|nth| format!("victim-{nth}")).collect();
    for victim in &victims {
        let words = [
            "run",
            "--name",
            victim,
            "--backoff",
            "0s",
            "--max-attempts",
            "1000000",
            "--",
            "sleep",
            "100000",
        ];
        world.ok(&words);
    }
    let status = || Connection::to(&world).ask("GET", "/monitor/status", None).body;
    eventually("the API listens", || status()["apiPort"].is_u64());
    let port = u16::try_from(status()["apiPort"].as_u64().unwrap()).unwrap();
    let load =
        Load { port, over: AtomicBool::new(false), listening: AtomicUsize::new(0), kills: Mutex::default() };
    let steady = || (0..5).map(|nth| world.pid_of(&format!("steady-{nth}")).unwrap()).collect::<Vec<_>>();
    let before = (world.monitor_pid(), steady(), steady().into_iter().map(start_time).collect::<Vec<_>>());

    let (longest, streams) = thread::scope(|scope| {
        let asking = scope.spawn(|| load.ask());
        let listening: Vec<_> = (0..STREAMS).map(|_| scope.spawn(|| load.listen())).collect();
        eventually("all listen", || load.listening.load(Ordering::SeqCst) >= STREAMS);
        let killing: Vec<_> = victims.iter().map(|id| scope.spawn(|| load.kill(&world, id))).collect();
        for _ in 0..RESTARTS {
            thread::sleep(Duration::from_millis(200));
            world.ok(&["--restart"]);
        }
        load.over.store(true, Ordering::SeqCst);
        killing.into_iter().for_each(|thread| thread.join().unwrap());
        // The last kills may not have been noticed yet, or not made good.
        for (victim, killed) in &*load.kills.lock().unwrap() {
            eventually(&format!("{victim} is back from its last kill"), || {
                let status = world.status(victim);
                status["restartAttempts"] == killed.len() && status["state"] == "running"
            });
        }
        world.ok(&["add", "--name", "end", "--", "true"]);
        let streams: Vec<_> = listening.into_iter().map(|thread| thread.join().unwrap()).collect();
        (asking.join().unwrap(), streams)
    });

    assert_eq!(
        (world.monitor_pid(), steady(), steady().into_iter().map(start_time).collect::<Vec<_>>()),
        before
    );
    for stream in &streams {
        assert_no_gap(stream);
    }
    let kills = load.kills.lock().unwrap();
    let mut unnoticed = 0;
    for victim in &victims {
        let crashes: Vec<u64> = streams[0].iter().filter(|event| is_crash(event, victim)).map(at).collect();
        let killed = &kills[victim];
        let status = world.status(victim);
        assert_eq!(status["restartAttempts"].as_u64(), Some(killed.len() as u64), "{victim}: {status}");
        assert_eq!(
            crashes.len(),
            killed.len(),
            "each crash is told once: killed at {killed:?}, told {crashes:?}"
        );
        unnoticed = crashes
            .iter()
            .zip(killed)
            .map(|(told, killed)| told.saturating_sub(*killed))
            .max()
            .max(Some(unnoticed))
            .unwrap();
        assert!(is_alive(world.pid_of(victim).unwrap()));
        assert_eq!(world.instances(victim).len(), 1, "{victim} is up exactly once");
    }
    let crashes: usize = kills.values().map(Vec::len).sum();
    eprintln!(
        "{RESTARTS} restarts, {crashes} crashes: longest pause of the API {} ms, longest time a crash went unnoticed {unnoticed} ms",
        longest.as_millis()
    );
}

/// All ids are of one epoch, and follow each other.
fn assert_no_gap(stream: &[Value]) {
    let numbers: Vec<(String, u64)> = stream
        .iter()
        .map(|event| {
            assert_ne!(event["kind"], "missed", "{event}");
            let (epoch, number) = event["id"].as_str().unwrap().split_once('-').unwrap();
            (epoch.to_owned(), number.parse().unwrap())
        })
        .collect();
    for pair in numbers.windows(2) {
        assert_eq!((&pair[1].0, pair[1].1), (&pair[0].0, pair[0].1 + 1));
    }
}

fn is_crash(event: &Value, id: &str) -> bool {
    event["process"] == id && event["to"] == "crashed"
}

fn at(event: &Value) -> u64 {
    let at: Wall = serde_json::from_value(event["at"].clone()).unwrap();
    u64::try_from(at.unix_millis()).unwrap()
}
