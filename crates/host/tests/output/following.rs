//! Reading while it is written.

use crate::support::{DEADLINE, Instance, LESS, Run, eventually, limits};
use process_monitor_core::id::ProcessId;
use process_monitor_host::output::Stream;
use process_monitor_host::output::protocol::Limits;
use process_monitor_host::output::read::{Follower, OutputReader, Selection};
use std::io::Write;
use std::time::Duration;

fn next_text(follower: &mut Follower) -> String {
    let chunk = follower.next_chunk(Some(DEADLINE)).unwrap().expect("no output came");
    String::from_utf8(chunk.bytes).unwrap()
}

/// The last lines of the newest run that printed.
fn last(lines: usize) -> Selection {
    Selection { tail: Some(lines), ..Selection::default() }
}

/// All that is there of what is selected.
fn read(instance: &Instance, selection: Selection) -> Vec<u8> {
    let mut reader = OutputReader::open(&instance.layout, &web(), selection).unwrap();
    std::iter::from_fn(|| reader.next_chunk().unwrap()).flat_map(|chunk| chunk.bytes).collect()
}

fn web() -> ProcessId {
    ProcessId::new("web").unwrap()
}

#[test]
fn the_last_lines_across_rotated_files() {
    let instance = Instance::new();
    let monitor = instance.connect();
    let mut run = instance.start("web", Limits { max_file_bytes: 100_000, keep_files: 100, ..limits() });
    monitor.attach(&run);
    let lines = 100_000 / LESS as usize;
    for number in 0..lines {
        writeln!(run.stdout.as_ref().unwrap(), "line {number:05}").unwrap();
    }
    run.stdout.as_ref().unwrap().write_all(b"unfinished").unwrap();
    run.close();
    monitor.expect_closed(&run);
    let all = run.text();
    assert_eq!(read(&instance, last(0)), b"");
    for count in [1, 2, 3, 999, lines / 2, lines + 1, lines * 2, usize::MAX] {
        let found = read(&instance, last(count));
        assert!(all.ends_with(&found));
        assert_eq!(found.split_inclusive(|b| *b == b'\n').count(), count.min(lines + 1), "{count}");
    }
    assert_eq!(read(&instance, Selection { stream: Some(Stream::Stderr), ..last(5) }), b"");
}

#[test]
fn a_follower_sees_every_line_once_through_rotations_and_runs() {
    // Each line is seen by the follower, which takes as much once more.
    const LINES: u64 = 60_000 / LESS / LESS;
    let instance = Instance::new();
    let limits = Limits { max_file_bytes: (64 << 10) / LESS, keep_files: 10_000, ..limits() };
    let mut follower = Follower::new().unwrap();
    follower.follow(&instance.layout, &web(), last(10)).unwrap();
    assert_eq!(follower.next_chunk(Some(Duration::ZERO)).unwrap(), None, "there is not even a folder");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let monitor = instance.connect();
            for run_number in 0..3 {
                let mut run = instance.start("web", limits);
                monitor.attach(&run);
                for number in 0..LINES {
                    writeln!(run.stdout.as_ref().unwrap(), "run {run_number} line {number}").unwrap();
                }
                run.close();
                monitor.expect_closed(&run);
            }
        });
        let mut seen = String::new();
        while !seen.ends_with(&format!("run 2 line {}\n", LINES - 1)) {
            let chunk = next_text(&mut follower);
            assert!(chunk.ends_with('\n'), "torn: {chunk:?}");
            seen.push_str(&chunk);
        }
        let mut lines = seen.lines();
        for (run, number) in (0..3).flat_map(|run| (0..LINES).map(move |number| (run, number))) {
            assert_eq!(lines.next(), Some(format!("run {run} line {number}").as_str()));
        }
        assert_eq!(lines.next(), None);
    });
}

#[test]
fn a_follower_that_sleeps_through_many_rotations_misses_nothing() {
    let instance = Instance::new();
    let monitor = instance.connect();
    let mut run = instance.start("web", Limits { max_file_bytes: 1000, keep_files: 10_000, ..limits() });
    monitor.attach(&run);
    writeln!(run.stdout.as_ref().unwrap(), "old").unwrap();
    writeln!(run.stdout.as_ref().unwrap(), "first").unwrap();
    eventually("the first lines", || std::fs::read(run.file(0)).is_ok_and(|text| text == b"old\nfirst\n"));
    let mut follower = Follower::new().unwrap();
    follower.follow(&instance.layout, &web(), last(1)).unwrap();
    assert_eq!(next_text(&mut follower), "first\n");
    let expected: String = (0..2000).map(|number| format!("line {number}\n")).collect();
    run.stdout.as_ref().unwrap().write_all(expected.as_bytes()).unwrap();
    run.close();
    monitor.expect_closed(&run);
    let mut seen = String::new();
    while seen.len() < expected.len() {
        seen.push_str(&next_text(&mut follower));
    }
    assert_eq!(seen, expected);
}

#[test]
fn several_processes_and_both_streams_over_one_follower() {
    let instance = Instance::new();
    let monitor = instance.connect();
    let (web_run, db_run) = (instance.start("web", limits()), instance.start("db", limits()));
    let mut follower = Follower::new().unwrap();
    for process in ["web", "db", "not-there"] {
        follower.follow(&instance.layout, &ProcessId::new(process).unwrap(), last(10)).unwrap();
    }
    let all = [(&web_run, Stream::Stdout), (&web_run, Stream::Stderr), (&db_run, Stream::Stderr)];
    for (run, stream) in all {
        monitor.attach(run);
        let mut end =
            if stream == Stream::Stdout { run.stdout.as_ref() } else { run.stderr.as_ref() }.unwrap();
        writeln!(end, "{} {}", run.attach.process, stream.name()).unwrap();
        let chunk = follower.next_chunk(Some(DEADLINE)).unwrap().unwrap();
        assert_eq!((&chunk.process, chunk.stream), (&run.attach.process, stream));
        assert_eq!(chunk.bytes, format!("{} {}\n", run.attach.process, stream.name()).into_bytes());
        assert!(run.attach.folder.ends_with(&chunk.run));
    }
    assert_eq!(follower.next_chunk(Some(Duration::ZERO)).unwrap(), None);
}

#[test]
fn unfinished_lines_are_held_back_but_not_for_good() {
    let instance = Instance::new();
    let monitor = instance.connect();
    let mut follower = Follower::new().unwrap();
    follower.follow(&instance.layout, &web(), last(10)).unwrap();
    let first = instance.start("web", limits());
    monitor.attach(&first);
    let say = |run: &Run, text: &str| run.stdout.as_ref().unwrap().write_all(text.as_bytes()).unwrap();
    say(&first, "half");
    assert_eq!(follower.next_chunk(Some(Duration::from_millis(200))).unwrap(), None);
    say(&first, " and half\nprompt> ");
    assert_eq!(next_text(&mut follower), "half and half\n");
    assert_eq!(next_text(&mut follower), "prompt> ", "after a while");
    say(&first, "last words");
    eventually("the last words", || first.text().ends_with(b"last words"));
    let second = instance.start("web", limits());
    monitor.attach(&second);
    say(&second, "hello\n");
    assert_eq!(next_text(&mut follower), "last words", "the run is over, so the line is");
    assert_eq!(next_text(&mut follower), "hello\n");
}

#[test]
fn a_follower_survives_deletion() {
    let instance = Instance::new();
    let monitor = instance.connect();
    let first = instance.start("web", limits());
    monitor.attach(&first);
    writeln!(first.stdout.as_ref().unwrap(), "one").unwrap();
    let mut follower = Follower::new().unwrap();
    follower.follow(&instance.layout, &web(), last(10)).unwrap();
    assert_eq!(next_text(&mut follower), "one\n");
    std::fs::remove_dir_all(instance.layout.logs()).unwrap();
    assert_eq!(follower.next_chunk(Some(Duration::from_millis(50))).unwrap(), None);
    let second = instance.start("web", limits());
    monitor.attach(&second);
    writeln!(second.stdout.as_ref().unwrap(), "two").unwrap();
    assert_eq!(next_text(&mut follower), "two\n");
}
