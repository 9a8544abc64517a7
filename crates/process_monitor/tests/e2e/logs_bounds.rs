//! Whoever reads output without following it gets an answer that ends, whatever he asks and whatever the output is.

use crate::harness::{PATIENCE, World, eventually};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

/// Every value that matters of each parameter, and its absence.
const TAILS: [&str; 4] = ["", "&tail=0", "&tail=2", "&tail=all"];
const SINCES: [&str; 2] = ["", "&since=1h"];
const RUNS: [&str; 3] = ["", "&run=current", "&run=all"];
const FORMS: [(&str, &str); 3] = [("", ""), ("&format=json", ""), ("", "Accept: text/event-stream\r\n")];
const PLACES: [&str; 3] =
    ["", "&lastEventId=20000101_000000:7:7", "&lastEventId=20991231_235959:18446744073709551615:0"];
const STREAMS: [&str; 3] = ["", "&stream=stdout", "&stream=stderr"];

/// Each combination once, with streams and ways to say "do not follow" in turn.
fn questions() -> Vec<(String, &'static str)> {
    let mut all = Vec::new();
    for tail in TAILS {
        for since in SINCES {
            for run in RUNS {
                for (format, accept) in FORMS {
                    for place in PLACES {
                        let stream = STREAMS[all.len() % STREAMS.len()];
                        let follow = ["follow=false", "follow=0"][all.len() % 2];
                        all.push((format!("{follow}{tail}{since}{run}{format}{place}{stream}"), accept));
                    }
                }
            }
        }
    }
    all
}

/// The whole answer. Fails when it does not end.
fn answer(world: &World, path: &str, accept: &str) -> String {
    let mut stream = UnixStream::connect(world.state().join("control.sock")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{accept}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap_or_else(|error| panic!("{path} does not end: {error}"));
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn every_question_has_an_end() {
    let world = World::started();
    // Grows and rotates all the while, on both streams.
    let growing = "while :; do echo a line; echo another >&2; done";
    let limits = ["--max-log-size", "4k", "--keep-files", "3"];
    world.ok(&[&["run", "--name", "grows"][..], &limits, &["--", "/bin/sh", "-c", growing]].concat());
    world.ok(&["run", "--name", "quiet", "--", "sleep", "100000"]);
    world.ok(&["add", "--name", "never", "--", "true"]);
    world.ok(&["run", "--name", "gone", "--", "/bin/sh", "-c", "echo said; exec sleep 100000"]);
    eventually("it has spoken", || world.output("gone", "stdout") == b"said\n");
    world.ok(&["remove", "gone"]);
    for (query, accept) in questions() {
        for id in ["grows", "quiet", "never", "gone"] {
            let answer = answer(&world, &format!("/processes/{id}/logs?{query}"), accept);
            assert!(answer.starts_with("HTTP/1.1 200 "), "{id} {query}: {answer:.200}");
        }
    }
    let said = answer(&world, "/processes/gone/logs", "");
    assert!(said.contains("said\n"), "{said}");
}

#[test]
fn strange_files_among_the_logs_keep_nobody_waiting() {
    let world = World::started();
    world.ok(&["run", "--name", "web", "--", "/bin/sh", "-c", "echo new; exec sleep 100000"]);
    eventually("it has spoken", || world.output("web", "stdout") == b"new\n");
    let run = std::fs::read_dir(world.logs("web")).unwrap().next().unwrap().unwrap().path();
    // Put there by hand, with a date: no reason to look at every number up to that.
    std::fs::write(run.join("stdout.4000000000.log"), "old\n").unwrap();
    std::fs::write(run.join("stderr.20260124.log"), "older\n").unwrap();
    for (query, _) in questions() {
        let answer = answer(&world, &format!("/processes/web/logs?{query}"), "");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{query}: {answer:.200}");
    }
    let old = answer(&world, "/processes/web/logs?tail=all&stream=stderr", "");
    assert!(old.contains("older\n"), "{old}");
}
