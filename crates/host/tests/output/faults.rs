//! A full disk, and too few descriptors.

use crate::support::{Instance, Run, eventually, limits};
use process_monitor_host::output::link::LoggerEvent;
use process_monitor_host::output::protocol::Limits;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// A file system of one MiB, unmounted when dropped.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(at: &'a Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "none"]).arg(at).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

fn full_disk(timestamps: bool) {
    let instance = Instance::new();
    let logs = instance.layout.logs();
    let Some(_disk) = SmallDisk::mount(&logs) else {
        eprintln!("SKIPPED: this user may not mount a tmpfs, so the disk cannot be filled");
        return;
    };
    let monitor = instance.connect();
    let (run, other) = (
        instance.start("web", Limits { timestamps, ..limits() }),
        instance.start("other", Limits { max_file_bytes: 1000, keep_files: 1, ..limits() }),
    );
    monitor.attach(&run);
    monitor.attach(&other);
    let began = Instant::now();
    let mut number = 0;
    while number < 100_000 {
        writeln!(run.stdout.as_ref().unwrap(), "line {number:07} {}", "x".repeat(40)).unwrap();
        number += 1;
    }
    let blocked = began.elapsed();
    assert!(blocked < Duration::from_secs(60), "the program was blocked for {blocked:?}");
    assert!(blocked > Duration::from_secs(4), "output was dropped at once");
    // Space again: the file is somebody's to delete.
    std::fs::remove_file(run.file(0)).unwrap();
    eventually("the notice", || {
        writeln!(run.stdout.as_ref().unwrap(), "line {number:07} {}", "x".repeat(40)).unwrap();
        number += 1;
        std::fs::read_to_string(run.file(0)).is_ok_and(|text| text.contains("] ") && text.lines().count() > 5)
    });
    let text = std::fs::read_to_string(run.file(0)).unwrap();
    // The last line may be being written.
    let (complete, _) = text.rsplit_once('\n').unwrap();
    let mut lines = complete.lines().map(|line| if timestamps { line.split_at(25).1 } else { line });
    let notice = lines.next().unwrap();
    assert!(notice.starts_with("[process_monitor] "), "{notice}");
    assert!(notice.contains(" bytes of output were dropped: No space left on device"), "{notice}");
    let numbers: Vec<u64> = lines.map(|line| line.split(' ').nth(1).unwrap().parse().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{numbers:?}");
}

#[test]
fn a_full_disk_blocks_for_a_while_then_drops_and_says_so() {
    full_disk(false);
}

#[test]
fn a_full_disk_with_time_stamps() {
    full_disk(true);
}

#[test]
fn a_short_shortage_loses_nothing() {
    let instance = Instance::new();
    let logs = instance.layout.logs();
    let Some(_disk) = SmallDisk::mount(&logs) else {
        eprintln!("SKIPPED: this user may not mount a tmpfs, so the disk cannot be filled");
        return;
    };
    let monitor = instance.connect();
    let mut run = instance.start("web", limits());
    monitor.attach(&run);
    let filler = logs.join("filler");
    // Fails when the disk is full, as it should.
    let _ = std::fs::write(&filler, vec![0; 2 << 20]);
    for number in 0..1000 {
        writeln!(run.stdout.as_ref().unwrap(), "line {number:05}").unwrap();
    }
    run.close();
    std::fs::remove_file(&filler).unwrap();
    monitor.expect_closed(&run);
    let expected: Vec<u8> = (0..1000).flat_map(|number| format!("line {number:05}\n").into_bytes()).collect();
    assert_eq!(run.text(), expected);
}

#[test]
fn with_few_descriptors_runs_wait_their_turn_and_lose_nothing() {
    let mut instance = Instance::new();
    instance.settings = vec!["nofile=40".into()];
    let monitor = instance.connect();
    let mut runs: Vec<_> = (0..40).map(|n| instance.start(&format!("web{n}"), limits())).collect();
    runs.iter().for_each(|run| monitor.attach(run));
    monitor.expect(&LoggerEvent::Attached { run: runs[39].attach.run.clone() });
    for run in &mut runs {
        for number in 0..100 {
            writeln!(run.stdout.as_ref().unwrap(), "line {number}").unwrap();
        }
    }
    let expected: Vec<u8> = (0..100).flat_map(|number| format!("line {number}\n").into_bytes()).collect();
    let is_copied = |run: &Run| std::fs::read(run.file(0)).is_ok_and(|text| text == expected);
    eventually("FIFOs leave room for log files", || runs.iter().filter(|run| is_copied(run)).count() >= 8);
    runs.iter_mut().for_each(Run::close);
    for run in &runs {
        eventually("it is copied", || is_copied(run));
    }
    monitor.link().ping().unwrap();
    monitor.expect(&LoggerEvent::Pong);
}
