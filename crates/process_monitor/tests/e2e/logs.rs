//! Reading output through the API and by `logs`: both streams in the order of time, every line once, whoever dies.

use crate::harness::{PATIENCE, World, eventually, kill};
use crate::http::Connection;
use crate::tcp_limits::own_memory;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread;

/// A program that says the numbers from its first argument to its second, alternately on both streams: each when
/// the one before is in its file, so that the order is known. Then it waits.
const ALTERNATES: &str = r#"#!/bin/bash
# The folder is made once this runs: as many as there were runs, this one with them, and the last is its own.
echo >> "$TOM_PM_DIRECTORY/started"
runs=$(wc -l < "$TOM_PM_DIRECTORY/started")
shopt -s nullglob
folders=()
until [ ${#folders[@]} = $runs ]; do
  folders=("$TOM_PM_DIRECTORY/default_logs/$TOM_PM_PROCESS_ID/"[0-9]*/)
done
logs=${folders[-1]}
for i in $(seq $1 $2); do
  if [ $((i % 2)) = 0 ]; then echo "line $i"; file=stdout; else echo "line $i" >&2; file=stderr; fi
  until grep -qx "line $i" "$logs"$file*.log 2>/dev/null; do sleep 0.002; done
done
exec sleep 100000
"#;

/// Starts such a program as `web`, with files of 100 bytes and 100 runs kept.
fn run_alternating(world: &World, from: usize, to: usize) {
    let program = world.script("alternates", ALTERNATES);
    let (from, to) = (from.to_string(), to.to_string());
    let words = [
        "run",
        "--name",
        "web",
        "--backoff",
        "0s",
        "--max-log-size",
        "1k",
        "--keep-files",
        "1000",
        "--keep-runs",
        "100",
        "--",
    ];
    world.ok(&[&words[..], &[&program, &from, &to]].concat());
}

fn numbered(range: std::ops::RangeInclusive<usize>) -> String {
    range.map(|number| format!("line {number}\n")).collect()
}

/// An answer that goes on: its status, headers and body, without chunks.
struct Flow {
    lines: mpsc::Receiver<String>,
    stream: UnixStream,
}

impl Flow {
    /// Asks, and reads the body line by line.
    fn open(world: &World, path: &str, headers: &str) -> Self {
        let stream = request(world, path, headers);
        let reader = BufReader::new(stream.try_clone().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            Unchunked::of(reader).map_while(Result::ok).all(|line| sender.send(line).is_ok());
        });
        Self { lines, stream }
    }

    fn next(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line")
    }

    /// Ends the connection.
    fn close(self) {
        self.stream.shutdown(std::net::Shutdown::Both).ok();
    }

    /// The id and the record of the next event that has one.
    fn next_event(&self) -> (String, Value) {
        let mut id = String::new();
        loop {
            let line = self.next();
            if let Some(found) = line.strip_prefix("id: ") {
                id = found.to_owned();
            }
            if let Some(data) = line.strip_prefix("data: ") {
                return (id, serde_json::from_str(data).unwrap());
            }
        }
    }
}

fn request(world: &World, path: &str, headers: &str) -> UnixStream {
    let mut stream = UnixStream::connect(world.state().join("control.sock")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").as_bytes()).unwrap();
    stream
}

/// The body of an answer in chunks (RFC 9112, 7.1).
struct Unchunked<R>(R, Vec<u8>);

impl<R: BufRead> Unchunked<R> {
    /// Skips the head.
    fn of(mut reader: R) -> std::io::Lines<BufReader<Self>> {
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
            line.clear();
        }
        BufReader::new(Self(reader, Vec::new())).lines()
    }
}

impl<R: BufRead> Read for Unchunked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.1.is_empty() {
            let mut size = String::new();
            self.0.read_line(&mut size)?;
            let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
            self.1 = vec![0; size + 2];
            self.0.read_exact(&mut self.1)?;
            self.1.truncate(size);
        }
        let length = buffer.len().min(self.1.len());
        buffer[..length].copy_from_slice(&self.1[..length]);
        self.1.drain(..length);
        Ok(length)
    }
}

/// The whole body of an answer that ends.
fn whole(world: &World, path: &str) -> String {
    let reader = BufReader::new(request(world, path, "Connection: close\r\n"));
    Unchunked::of(reader).map(|line| line.unwrap() + "\n").collect()
}

/// `logs` in the background, its lines.
struct Following {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Following {
    fn start(world: &World, args: &[&str]) -> Self {
        let mut child = world.command(args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
        Self { child, lines }
    }

    fn next(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line")
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn both_streams_come_in_the_order_of_time() {
    let world = World::started();
    run_alternating(&world, 1, 150);
    eventually("it has said all", || world.ok(&["logs", "web"]).ends_with("line 150\n"));
    assert_eq!(world.ok(&["logs", "web"]), numbered(51..=150));
    assert_eq!(world.ok(&["logs", "web", "-n", "7"]), numbered(144..=150));
    assert_eq!(world.ok(&["logs", "web", "-n", "all"]), numbered(1..=150));
    assert_eq!(whole(&world, "/processes/web/logs?tail=3"), numbered(148..=150));
    assert_eq!(whole(&world, "/processes/web/logs?tail=2&stream=stderr"), "line 147\nline 149\n");
    let json = whole(&world, "/processes/web/logs?tail=2&format=json");
    let records: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&records[0]["text"], &records[0]["stream"]), (&"line 149".into(), &"stderr".into()));
    assert!(records[1]["time"].is_string() && records[1]["complete"] == true, "{json}");
    // While no monitor runs it is the same, from the files; and so for a process that was removed.
    world.ok(&["remove", "web"]);
    assert_eq!(whole(&world, "/processes/web/logs?tail=3"), numbered(148..=150));
    world.ok(&["--stop"]);
    assert_eq!(world.ok(&["logs", "web", "-n", "7"]), numbered(144..=150));
    let line: Value = serde_json::from_str(&world.ok(&["logs", "web", "-n", "1", "--json"])).unwrap();
    assert_eq!((&line["id"], &line["text"]), (&"web".into(), &"line 150".into()));
}

#[test]
fn lines_since_a_time_and_of_chosen_runs() {
    let world = World::started();
    let go = world.path().join("go");
    let script = format!(
        "echo \"run $TOM_PM_RUN_ID\"; echo first; until [ -e {} ]; do sleep 0.01; done; echo second >&2; exec sleep 1000",
        go.display()
    );
    world.ok(&["run", "--name", "web", "--", "/bin/sh", "-c", &script]);
    eventually("it speaks", || world.ok(&["logs", "web"]).contains("first"));
    thread::sleep(std::time::Duration::from_millis(50));
    let now = std::process::Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%S.%3NZ"]).output().unwrap();
    let now = String::from_utf8(now.stdout).unwrap().trim().to_owned();
    fs::write(&go, "").unwrap();
    eventually("it speaks again", || world.ok(&["logs", "web"]).contains("second"));
    assert_eq!(world.ok(&["logs", "web", "--since", &now]), "second\n");
    assert_eq!(whole(&world, &format!("/processes/web/logs?since={now}")), "second\n");
    assert_eq!(world.ok(&["logs", "web", "--since", "1h"]).lines().count(), 3);
    // Several runs.
    world.ok(&["restart", "web"]);
    // Its streams are read one after the other, so what was said last may be there first.
    eventually("the second run has said all", || {
        world.ok(&["logs", "web", "--run", "current"]).lines().count() == 3
    });
    assert_eq!(world.ok(&["logs", "web"]).lines().count(), 3);
    assert_eq!(world.ok(&["logs", "web", "--run", "all"]).lines().count(), 6);
    assert_eq!(world.ok(&["logs", "web", "--run", "all", "-n", "4"]).lines().next(), Some("second"));
    assert_eq!(world.ok(&["logs", "web", "--since", "1h"]).lines().count(), 6);
    let mut runs: Vec<_> =
        fs::read_dir(world.logs("web")).unwrap().flatten().map(|run| run.file_name()).collect();
    runs.sort();
    let first = runs[0].to_str().unwrap();
    assert_eq!(whole(&world, &format!("/processes/web/logs?run={first}")).lines().count(), 3);
    let said = world.say(["logs", "web", "--run", "20000101_000000"]);
    assert!(said.code == Some(1) && said.stderr.contains("no run 20000101_000000"), "{said:?}");
}

#[test]
fn following_goes_on_through_deaths_rotation_and_runs() {
    let world = World::started();
    run_alternating(&world, 1, 100);
    let following = Following::start(&world, &["logs", "web", "-f", "-n", "all"]);
    let mut seen = 0;
    let mut see = |until: usize| {
        while seen < until {
            assert_eq!(following.next(), format!("line {}", seen + 1));
            seen += 1;
        }
        seen = 0;
    };
    see(20);
    for round in 0..4 {
        if round % 2 == 0 {
            world.kill_monitor();
            world.start();
        }
        world.logger_pid().into_iter().for_each(kill);
        // A new run, which begins anew: the rest of the old one comes first.
        let pid = world.pid_of("web").unwrap();
        kill(pid);
        world.wait_for_new_pid("web", pid);
        loop {
            let line = following.next();
            if line == "line 1" {
                break;
            }
        }
        for number in 2..=100 {
            assert_eq!(following.next(), format!("line {number}"), "round {round}");
        }
    }
    // Without a monitor it goes on, too.
    world.kill_monitor();
    assert!(following.lines.try_recv().is_err());
    world.start();
    world.ok(&["restart", "web"]);
    for number in 1..=100 {
        assert_eq!(following.next(), format!("line {number}"));
    }
}

#[test]
fn events_go_on_after_the_last_id_whoever_was_killed() {
    let world = World::started();
    run_alternating(&world, 1, 300);
    let mut last = String::new();
    let mut next = 1;
    for round in 0..6 {
        let headers = match last.as_str() {
            "" => "Accept: text/event-stream\r\n".to_owned(),
            last => format!("Accept: text/event-stream\r\nLast-Event-ID: {last}\r\n"),
        };
        let flow = Flow::open(&world, "/processes/web/logs?follow=true&tail=all", &headers);
        for _ in 0..50 {
            let (id, record) = flow.next_event();
            assert_eq!(record["text"], format!("line {next}"), "round {round}");
            (last, next) = (id, next + 1);
        }
        flow.close();
        world.logger_pid().into_iter().for_each(kill);
        if round % 2 == 1 {
            world.kill_monitor();
            world.start();
        }
    }
    // What comes after the last is a new run.
    let pid = world.pid_of("web").unwrap();
    kill(pid);
    world.wait_for_new_pid("web", pid);
    let headers = format!("Accept: text/event-stream\r\nLast-Event-ID: {last}\r\n");
    let flow = Flow::open(&world, "/processes/web/logs?follow=true", &headers);
    assert_eq!(flow.next_event().1["text"], "line 1");
    // A monitor that ends tells its followers, and is not kept by them.
    let open = Flow::open(&world, "/processes/web/logs?follow", "");
    world.ok(&["--stop"]);
    while open.lines.recv_timeout(PATIENCE) != Err(mpsc::RecvTimeoutError::Disconnected) {}
}

#[test]
fn what_cannot_be_told_is_refused_with_every_reason() {
    let world = World::started();
    world.ok(&["add", "--name", "web", "--", "true"]);
    let mut api = Connection::to(&world);
    let table = [
        ("nobody", 404, "process_not_found", ""),
        ("web?run=20000101_000000", 404, "not_found", ""),
        ("web?run=..%2F..%2Fsecret", 400, "invalid", "run"),
        ("web?tail=-1", 400, "invalid", "tail"),
        ("web?tail=18446744073709551616", 400, "invalid", "tail"),
        ("web?stream=stdin", 400, "invalid", "stream"),
        ("web?since=yesterday", 400, "invalid", "since"),
        ("web?follow=maybe", 400, "invalid", "follow"),
        ("web?format=xml", 400, "invalid", "format"),
        ("web?lines=5", 400, "invalid", "lines"),
        ("web?tail=1&tail=2", 400, "invalid", "tail"),
        ("web?lastEventId=nonsense", 400, "invalid", "lastEventId"),
        ("we%20b", 400, "invalid", "id"),
    ];
    for (path, status, code, field) in table {
        let (id, query) = path.split_once('?').map_or((path, String::new()), |(id, q)| (id, format!("?{q}")));
        let answer = api.ask("GET", &format!("/processes/{id}/logs{query}"), None);
        assert_eq!((answer.status, &answer.body["code"]), (status, &code.into()), "{path}");
        assert_eq!(answer.body["field"].as_str().unwrap_or_default(), field, "{path}");
    }
    let answer = api.ask("GET", "/processes/web/logs?tail=x&since=y&run=z", None);
    assert_eq!(answer.body["problems"].as_array().unwrap().len(), 3);
    assert_eq!(api.ask("POST", "/processes/web/logs", None).status, 405);
    assert_eq!(whole(&world, "/processes/web/logs"), "", "it has not printed anything");
    let said = world.say(["logs", "nobody"]);
    assert!(said.code == Some(4) && said.stderr.contains("no process nobody"), "{said:?}");
}

#[test]
fn bytes_come_as_they_are_without_an_end_and_endless() {
    let world = World::started();
    let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n * 31 % 251) as u8).chain([b'x']).collect();
    let file = world.path().join("bytes");
    fs::write(&file, &bytes).unwrap();
    let script = "cat \"$0\"; exec sleep 1000";
    world.ok(&["run", "--name", "b", "--", "/bin/sh", "-c", script, file.to_str().unwrap()]);
    eventually("all is kept", || world.output("b", "stdout") == bytes);
    let shown = world.command(["logs", "b", "-n", "all"]).output().unwrap().stdout;
    assert!(shown == bytes, "{} bytes of {}", shown.len(), bytes.len());
    let mut shown = Vec::new();
    let reader = BufReader::new(request(&world, "/processes/b/logs?tail=all", ""));
    Unchunked::of(reader);
    let mut reader = BufReader::new(request(&world, "/processes/b/logs?tail=all", "Connection: close\r\n"));
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        line.clear();
    }
    Unchunked(reader, Vec::new()).read_to_end(&mut shown).unwrap();
    assert!(shown == bytes, "{} bytes of {}", shown.len(), bytes.len());

    let endless = ["run", "--name", "e", "--restart", "never", "--", "head", "-c", "20000000", "/dev/zero"];
    world.ok(&endless);
    world.wait_for_state("e", "stopped");
    eventually("all is kept", || world.output("e", "stdout").len() == 20_000_000);
    let tail = world.command(["logs", "e", "-n", "1"]).output().unwrap().stdout;
    assert!(!tail.is_empty() && tail.len() <= 64 << 10, "{}", tail.len());
}

fn descriptors(world: &World) -> usize {
    fs::read_dir(format!("/proc/{}/fd", world.monitor_pid().unwrap())).unwrap().count()
}

#[test]
fn readers_that_do_not_read_cost_little_and_those_that_go_nothing() {
    let world = World::started();
    let line = "a line that says what such a program says, about so long";
    let script = format!("yes '{line}' | head -n 800000; exec sleep 1000");
    world.ok(&["run", "--name", "big", "--max-log-size", "10m", "--", "/bin/sh", "-c", &script]);
    eventually("all is kept", || world.output("big", "stdout").len() == 800_000 * (line.len() + 1));
    let (before, held) = (own_memory(&world), descriptors(&world));
    let readers: Vec<_> = (0..100)
        .map(|n| {
            let form = ["", "Accept: text/event-stream\r\n"][n % 2];
            request(&world, "/processes/big/logs?follow=true&tail=all", form)
        })
        .collect();
    let mut first = [0; 1];
    readers.iter().for_each(|mut reader| reader.read_exact(&mut first).unwrap());
    // Others are served meanwhile.
    assert_eq!(world.state_of("big"), "running");
    let grown = own_memory(&world).saturating_sub(before);
    assert!(grown < 64 << 10, "{grown} KiB for 100 readers");
    drop(readers);
    eventually("they are forgotten", || descriptors(&world) <= held + 4);
    // At rest, a follower holds its connection, and no file.
    let flows: Vec<_> =
        (0..100).map(|_| Flow::open(&world, "/processes/big/logs?follow=true&tail=1", "")).collect();
    flows.iter().for_each(|flow| drop(flow.next()));
    eventually("they have no file open", || descriptors(&world) <= held + 104);
    flows.into_iter().for_each(Flow::close);
    eventually("they are forgotten, too", || descriptors(&world) <= held + 4);
}
