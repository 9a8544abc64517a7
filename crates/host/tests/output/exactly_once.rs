//! Every line exactly once, in order, none torn, however often the logger is killed.

use crate::support::{Instance, LESS, Run, eventually, limits};
use process_monitor_host::output::link::LoggerEvent;
use process_monitor_host::output::protocol::Limits;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

const WRITERS: usize = 8;
const KILLS: u64 = 20;

#[test]
fn eight_writers_at_full_speed_while_the_logger_is_killed_20_times() {
    let limits = Limits { max_file_bytes: 256 << 10, keep_files: 100_000, ..limits() };
    let (_instance, runs) = write_and_kill(Instance::new(), limits, 120_000 / LESS);
    assert_every_line_once(&runs, 120_000 / LESS);
}

/// As on systems that cannot move bytes from FIFO to file in one step; they need not be told.
#[cfg(unix)]
#[cfg(feature = "failpoints")]
#[test]
fn the_same_where_bytes_are_staged() {
    let limits = Limits { max_file_bytes: 256 << 10, keep_files: 100_000, ..limits() };
    let mut instance = Instance::new();
    instance.settings.push("stages".into());
    let (_instance, runs) = write_and_kill(instance, limits, 40_000 / LESS);
    assert_every_line_once(&runs, 40_000 / LESS);
}

fn assert_every_line_once(runs: &[Run], written: u64) {
    for (writer, run) in runs.iter().enumerate() {
        let text = run.text();
        let mut lines = text.split(|byte| *byte == b'\n');
        for number in 0..written {
            assert_eq!(
                lines.next(),
                Some(line(writer, number).trim_end_matches('\n').as_bytes()),
                "writer {writer}"
            );
        }
        assert_eq!(lines.next(), Some(&b""[..]));
        assert_eq!(lines.next(), None);
    }
}

#[test]
fn the_same_with_time_stamps() {
    let limits = Limits { max_file_bytes: 1 << 20, keep_files: 100_000, timestamps: true, ..limits() };
    let (_instance, runs) = write_and_kill(Instance::new(), limits, 40_000 / LESS);
    for (writer, run) in runs.iter().enumerate() {
        let text = String::from_utf8(run.text()).unwrap();
        let mut lines = text.lines();
        for number in 0..40_000 / LESS {
            let (stamp, rest) = lines.next().unwrap().split_at(25);
            assert!(process_monitor_core::time::Wall::parse(stamp.trim_end()).is_some(), "{stamp:?}");
            assert_eq!(rest, line(writer, number).trim_end_matches('\n'));
        }
        assert_eq!(lines.next(), None);
    }
}

fn line(writer: usize, number: u64) -> String {
    let padding = "x".repeat(usize::try_from(number % 90).unwrap());
    format!("writer {writer} line {number} {padding}\n")
}

/// Has the writers write that many lines each, and kills the logger at points spread over their work.
fn write_and_kill(instance: Instance, limits: Limits, lines: u64) -> (Instance, Vec<Run>) {
    let mut monitor = instance.connect();
    let mut runs: Vec<Run> = (0..WRITERS).map(|n| instance.start(&format!("writer{n}"), limits)).collect();
    for run in &runs {
        monitor.attach(run);
        monitor.expect(&LoggerEvent::Attached { run: run.attach.run.clone() });
    }
    let written = AtomicU64::new(0);
    thread::scope(|scope| {
        for (writer, run) in runs.iter_mut().enumerate() {
            let (mut stdout, written) = (run.stdout.take().unwrap(), &written);
            run.stderr = None;
            scope.spawn(move || {
                for number in 0..lines {
                    stdout.write_all(line(writer, number).as_bytes()).unwrap();
                    written.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for kill in 0..KILLS {
            // Uneven, so that the kills hit anywhere.
            let next = lines * WRITERS as u64 * (kill * 97 + 31) / (KILLS * 97 + 100);
            eventually("the writers go on", || written.load(Ordering::Relaxed) >= next);
            monitor.kill_logger();
        }
    });
    // Until here nobody has attached them anew: each logger took up what the one before had.
    for run in &runs {
        monitor.attach(run);
        monitor.expect_closed(run);
    }
    (instance, runs)
}
