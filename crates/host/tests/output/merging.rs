//! Both streams in the order of time; going on after a place; the lines of a time.

use crate::support::{DEADLINE, Instance, Monitor, Run, eventually, limits};
use process_monitor_core::id::ProcessId;
use process_monitor_core::time::Wall;
use process_monitor_host::clock;
use process_monitor_host::output::Stream;
use process_monitor_host::output::link::LoggerEvent;
use process_monitor_host::output::protocol::Limits;
use process_monitor_host::output::read::{Chunk, Cursor, Follower, OutputReader, Runs, Selection, WatchHub};
use std::io::Write;
use std::sync::mpsc;

fn web() -> ProcessId {
    ProcessId::new("web").unwrap()
}

fn chunks(instance: &Instance, selection: Selection) -> Vec<Chunk> {
    let mut reader = OutputReader::open(&instance.layout, &web(), selection).unwrap();
    std::iter::from_fn(|| reader.next_chunk().unwrap()).collect()
}

fn text(chunks: &[Chunk]) -> String {
    String::from_utf8(chunks.iter().flat_map(|chunk| chunk.bytes.clone()).collect()).unwrap()
}

fn read(instance: &Instance, selection: Selection) -> String {
    text(&chunks(instance, selection))
}

/// Writes `line` and waits until the logger has it, so that the order is known.
fn say(run: &Run, stream: Stream, line: &str) {
    let end = if stream == Stream::Stdout { &run.stdout } else { &run.stderr };
    end.as_ref().unwrap().write_all(line.as_bytes()).unwrap();
    let file = stream.file(&run.attach.folder, 0);
    eventually("it is copied", || std::fs::read(&file).is_ok_and(|text| text.ends_with(line.as_bytes())));
}

/// Says `0`, `1`, … alternately on both streams.
fn alternate(run: &Run, numbers: std::ops::Range<usize>) {
    for number in numbers {
        say(run, Stream::BOTH[number % 2], &format!("{number}\n"));
    }
}

fn numbers(range: std::ops::Range<usize>) -> String {
    range.map(|number| format!("{number}\n")).collect()
}

fn attached<'a>(instance: &'a Instance, run: &Run) -> Monitor<'a> {
    let monitor = instance.connect();
    monitor.attach(run);
    monitor.expect(&LoggerEvent::Attached { run: run.attach.run.clone() });
    monitor
}

#[test]
fn lines_of_both_streams_are_in_order_across_rotations_and_deaths_of_the_logger() {
    let instance = Instance::new();
    let run = instance.start("web", Limits { max_file_bytes: 40, keep_files: 1000, ..limits() });
    let mut monitor = attached(&instance, &run);
    for hundred in 0..3 {
        alternate(&run, hundred * 100..hundred * 100 + 100);
        monitor.kill_logger();
    }
    assert_eq!(read(&instance, Selection::default()), numbers(0..300));
    for tail in [0, 1, 2, 5, 20, 299, 300, 301] {
        let selection = Selection { tail: Some(tail), ..Selection::default() };
        assert_eq!(read(&instance, selection), numbers(300 - tail.min(300)..300), "{tail}");
    }
    let odd = Selection { stream: Some(Stream::Stderr), tail: Some(3), ..Selection::default() };
    assert_eq!(read(&instance, odd), "295\n297\n299\n");
    let times: Vec<Wall> = chunks(&instance, Selection::default()).iter().map(|c| c.time.unwrap()).collect();
    assert!(times.is_sorted() && clock::wall().since(times[0]) < DEADLINE * 10, "{times:?}");
}

#[test]
fn a_line_is_not_cut_by_the_other_stream() {
    let instance = Instance::new();
    let run = instance.start("web", limits());
    let _monitor = attached(&instance, &run);
    say(&run, Stream::Stdout, "a line that ");
    say(&run, Stream::Stderr, "an error\n");
    say(&run, Stream::Stdout, "goes on\n");
    let endless = "x".repeat(300_000);
    say(&run, Stream::Stderr, &endless);
    say(&run, Stream::Stdout, "out\n");
    say(&run, Stream::Stderr, "its end\nerr\n");
    let expected = format!("a line that goes on\nan error\n{endless}its end\nout\nerr\n");
    let found = chunks(&instance, Selection::default());
    assert!(text(&found) == expected, "{:?}", found.iter().map(|c| c.bytes.len()).collect::<Vec<_>>());
    assert!(found.iter().all(|chunk| chunk.bytes.len() <= 64 << 10));
}

#[test]
fn reading_goes_on_after_any_place_without_gap_or_double() {
    let instance = Instance::new();
    let limits = Limits { max_file_bytes: 30, keep_files: 1000, ..limits() };
    let first = instance.start("web", limits);
    let mut monitor = attached(&instance, &first);
    alternate(&first, 0..30);
    monitor.kill_logger();
    let second = instance.start("web", limits);
    monitor.attach(&second);
    alternate(&second, 30..60);
    let all = Selection { runs: Runs::All, ..Selection::default() };
    let seen = chunks(&instance, all.clone());
    assert_eq!(text(&seen), numbers(0..60));
    // Files are renamed, and a run begins, before somebody goes on.
    alternate(&second, 60..80);
    let third = instance.start("web", limits);
    monitor.attach(&third);
    alternate(&third, 80..90);
    for (at, chunk) in seen.iter().enumerate() {
        let after: Cursor = chunk.after.to_string().parse().unwrap();
        let rest = read(&instance, Selection { after: Some(after), ..all.clone() });
        let found = text(&seen[..=at]) + &rest;
        assert_eq!(found, numbers(0..90), "after {}", chunk.after);
    }
    let line = seen.last().unwrap();
    let before = line.after.before(&line.run, line.stream, line.bytes.len());
    let again = read(&instance, Selection { after: Some(before), ..all });
    assert_eq!(again, numbers(59..90));
}

#[test]
fn what_is_deleted_is_not_read_twice_instead() {
    let instance = Instance::new();
    let run = instance.start("web", Limits { max_file_bytes: 10, keep_files: 3, ..limits() });
    let _monitor = attached(&instance, &run);
    alternate(&run, 0..10);
    let mut seen = chunks(&instance, Selection::default());
    let after = seen.pop().unwrap().after;
    alternate(&run, 10..200);
    let rest = read(&instance, Selection { after: Some(after), ..Selection::default() });
    assert_eq!(rest, read(&instance, Selection::default()), "the oldest that is left");
    assert!(rest.ends_with("198\n199\n") && rest.lines().count() < 30, "{rest}");
}

#[test]
fn only_lines_since_a_time() {
    let instance = Instance::new();
    let limits = Limits { max_file_bytes: 30, keep_files: 1000, ..limits() };
    let first = instance.start("web", limits);
    let monitor = attached(&instance, &first);
    let pause = || {
        std::thread::sleep(std::time::Duration::from_millis(60));
        let now = clock::wall();
        std::thread::sleep(std::time::Duration::from_millis(60));
        now
    };
    let mut times = vec![(0, clock::wall())];
    for ten in 0..3 {
        alternate(&first, ten * 10..ten * 10 + 10);
        times.push((ten * 10 + 10, pause()));
    }
    let second = instance.start("web", limits);
    monitor.attach(&second);
    alternate(&second, 30..40);
    times.push((40, pause()));
    for (from, since) in times {
        let all = Selection { runs: Runs::All, since: Some(since), ..Selection::default() };
        assert_eq!(read(&instance, all.clone()), numbers(from..40), "since {from}");
        let last = Selection { tail: Some(15), ..all };
        assert_eq!(read(&instance, last), numbers(from.max(25)..40), "the last of them since {from}");
    }
}

#[test]
fn without_times_the_streams_follow_each_other() {
    let instance = Instance::new();
    let run = instance.start("web", Limits { max_file_bytes: 30, keep_files: 1000, ..limits() });
    let _monitor = attached(&instance, &run);
    alternate(&run, 0..40);
    for entry in std::fs::read_dir(&run.attach.folder).unwrap().flatten() {
        if entry.file_name().to_str().unwrap().ends_with(".times") {
            std::fs::write(entry.path(), "torn").unwrap();
        }
    }
    let lines = |first: usize| (first..40).step_by(2).map(|n| format!("{n}\n")).collect::<String>();
    assert_eq!(read(&instance, Selection::default()), lines(0) + &lines(1));
    let last = Selection { tail: Some(2), ..Selection::default() };
    assert_eq!(read(&instance, last), "36\n38\n37\n39\n");
    let seen = chunks(&instance, Selection::default());
    let after = Some(seen[0].after.clone());
    assert_eq!(
        text(&seen[..1]) + &read(&instance, Selection { after, ..Selection::default() }),
        lines(0) + &lines(1)
    );
    assert!(seen.iter().all(|chunk| chunk.time.is_none()));
}

#[test]
fn no_more_is_read_than_there_was() {
    let instance = Instance::new();
    let run = instance.start("web", limits());
    let _monitor = attached(&instance, &run);
    alternate(&run, 0..10);
    let mut reader = OutputReader::open(&instance.layout, &web(), Selection::default()).unwrap();
    alternate(&run, 10..20);
    let found: Vec<_> = std::iter::from_fn(|| reader.next_chunk().unwrap()).collect();
    assert_eq!(text(&found), numbers(0..10));
}

#[test]
fn a_follower_has_the_order_of_time_while_it_is_written() {
    let instance = Instance::new();
    let run = instance.start("web", Limits { max_file_bytes: 100, keep_files: 1000, ..limits() });
    let mut follower = Follower::new().unwrap();
    follower.follow(&instance.layout, &web(), Selection::default()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut monitor = attached(&instance, &run);
            for hundred in 0..3 {
                alternate(&run, hundred * 100..hundred * 100 + 100);
                monitor.kill_logger();
            }
        });
        let mut seen = String::new();
        while seen.len() < numbers(0..300).len() {
            let chunk = follower.next_chunk(Some(DEADLINE)).unwrap().expect("more comes");
            seen.push_str(std::str::from_utf8(&chunk.bytes).unwrap());
        }
        assert_eq!(seen, numbers(0..300));
    });
}

#[test]
fn many_readers_share_a_hub_and_park_without_descriptors() {
    let instance = Instance::new();
    let limits = Limits { max_file_bytes: 1000, keep_files: 1000, ..limits() };
    let run = instance.start("web", limits);
    let monitor = attached(&instance, &run);
    alternate(&run, 0..10);
    let hub = WatchHub::new().unwrap();
    let mut readers: Vec<_> = (0..150)
        .map(|_| {
            let (sender, woken) = mpsc::channel();
            // Nobody listens any more at the end.
            let wake = move || {
                let _nobody = sender.send(());
            };
            let reader = hub.follow(&instance.layout, &web(), Selection::default(), wake).unwrap();
            (reader, woken, String::new())
        })
        .collect();
    let mut catch_up = |until: usize| {
        for (reader, woken, seen) in &mut readers {
            loop {
                while let Some(chunk) = reader.next_chunk().unwrap() {
                    seen.push_str(std::str::from_utf8(&chunk.bytes).unwrap());
                }
                if *seen == numbers(0..until) {
                    break;
                }
                woken.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("nobody says more: {seen}"));
            }
            reader.park();
        }
    };
    catch_up(10);
    let held = || {
        let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        open.filter(|fd| std::fs::read_link(fd.path()).is_ok_and(|to| to.starts_with(&run.attach.folder)))
            .count()
    };
    assert_eq!(held(), 0);
    alternate(&run, 10..1000);
    catch_up(1000);
    let second = instance.start("web", limits);
    monitor.attach(&second);
    alternate(&second, 1000..1010);
    catch_up(1010);
}
