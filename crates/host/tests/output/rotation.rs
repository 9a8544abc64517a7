//! What the files look like: rotation, retention, endless lines, binary content.

use crate::emulated::left_out;
use crate::support::{Instance, LESS, eventually, files, limits};
use process_monitor_host::output::Stream;
#[cfg(feature = "failpoints")]
use process_monitor_host::output::link::{LoggerEvent, LoggerLink};
use process_monitor_host::output::protocol::Limits;
#[cfg(feature = "failpoints")]
use process_monitor_host::output::read::{OutputReader, Selection};
use std::io::Write;

#[test]
fn files_end_at_line_ends_and_only_so_many_are_kept() {
    let instance = Instance::new();
    let monitor = instance.connect();
    let mut run = instance.start("web", Limits { max_file_bytes: 10_000, keep_files: 3, ..limits() });
    monitor.attach(&run);
    for number in 0..10_000 {
        writeln!(run.stdout.as_ref().unwrap(), "line {number:05}").unwrap();
    }
    run.close();
    monitor.expect_closed(&run);
    let files = files(&run.attach.folder, Stream::Stdout);
    let names: Vec<_> = files.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["stdout.2.log", "stdout.1.log", "stdout.log"]);
    for (at, path) in files.iter().enumerate() {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.starts_with("line ") && text.ends_with('\n'), "{names:?}");
        assert!(at == 2 || (10_000..10_011).contains(&text.len()), "{}", text.len());
    }
    assert!(run.text().ends_with(b"line 09999\n"));
}

#[test]
fn an_endless_line_is_cut_and_complete() {
    let instance = Instance::new();
    let monitor = instance.connect();
    let mut run = instance.start("web", Limits { max_file_bytes: 16 << 20, keep_files: 100, ..limits() });
    monitor.attach(&run);
    let block: Vec<u8> =
        (0..1_000_003_u32).map(|n| if n % 251 == 10 { 0 } else { (n % 251) as u8 }).collect();
    let blocks = 200 / LESS as usize;
    for _ in 0..blocks {
        run.stdout.as_mut().unwrap().write_all(&block).unwrap();
    }
    run.close();
    monitor.expect_closed(&run);
    let text = run.text();
    assert!(text.len() == blocks * block.len() && text.chunks(block.len()).all(|piece| piece == block));
    for path in files(&run.attach.folder, Stream::Stdout) {
        assert!(path.metadata().unwrap().len() <= 17 << 20, "{}", path.display());
    }
}

#[test]
fn binary_output_is_kept_byte_for_byte_and_silent_streams_have_no_file() {
    let instance = Instance::new();
    let monitor = instance.connect();
    let mut run = instance.start("web", limits());
    monitor.attach(&run);
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    run.stdout.as_mut().unwrap().write_all(&bytes).unwrap();
    run.close();
    monitor.expect_closed(&run);
    assert_eq!(run.text(), bytes);
    assert_eq!(files(&run.attach.folder, Stream::Stderr), [] as [std::path::PathBuf; 0]);
}

#[test]
fn old_runs_go_but_none_that_still_prints_and_nothing_else() {
    let instance = Instance::new();
    let monitor = instance.connect();
    let limits = Limits { keep_runs: 3, ..limits() };
    let mut first = instance.start("web", limits);
    monitor.attach(&first);
    let stranger = first.attach.folder.parent().unwrap().join("my notes");
    std::fs::create_dir(&stranger).unwrap();
    let mut folders = Vec::new();
    for _ in 0..6 {
        let mut run = instance.start("web", limits);
        monitor.attach(&run);
        run.close();
        monitor.expect_closed(&run);
        folders.push(run.attach.folder.clone());
    }
    let there: Vec<bool> = folders.iter().map(|folder| folder.exists()).collect();
    assert_eq!(there, [false, false, false, false, true, true]);
    assert!(stranger.exists());
    writeln!(first.stdout.as_ref().unwrap(), "a grandchild of the first run").unwrap();
    first.close();
    monitor.expect_closed(&first);
    assert_eq!(first.text(), b"a grandchild of the first run\n");
}

#[test]
fn a_file_that_somebody_else_deletes_moves_or_truncates() {
    let instance = Instance::new();
    let monitor = instance.connect();
    let run = instance.start("web", limits());
    monitor.attach(&run);
    let say = |text: &str| {
        writeln!(run.stdout.as_ref().unwrap(), "{text}").unwrap();
        let wanted = format!("{text}\n").into_bytes();
        eventually(text, || std::fs::read(run.file(0)).is_ok_and(|content| content.ends_with(&wanted)));
        std::fs::read_to_string(run.file(0)).unwrap()
    };
    say("one");
    let stays = left_out("a file that somebody has open stays when it is removed");
    if !stays {
        std::fs::remove_file(run.file(0)).unwrap();
        assert_eq!(say("two"), "two\n");
    }
    std::fs::rename(run.file(0), run.file(0).with_extension("moved")).unwrap();
    assert_eq!(say("three"), "three\n");
    std::fs::File::create(run.file(0)).unwrap();
    assert_eq!(say("four"), "four\n");
    if stays {
        return;
    }
    std::fs::remove_dir_all(&run.attach.folder).unwrap();
    assert_eq!(say("five"), "five\n");
}

#[cfg(feature = "failpoints")]
#[test]
fn killed_between_two_renames() {
    killed_while_rotating("rotate::between_renames");
}

#[cfg(feature = "failpoints")]
#[test]
fn killed_between_the_times_and_their_file() {
    killed_while_rotating("rotate::after_times");
}

#[cfg(feature = "failpoints")]
fn killed_while_rotating(point: &str) {
    let mut instance = Instance::new();
    instance.settings = vec![format!("failpoint={point}")];
    let monitor = instance.connect();
    let mut run = instance.start("web", Limits { max_file_bytes: 1000, keep_files: 100, ..limits() });
    monitor.attach(&run);
    for number in 0..1000 {
        writeln!(run.stdout.as_ref().unwrap(), "line {number:05}").unwrap();
    }
    run.close();
    monitor.expect(&LoggerEvent::Gone);
    drop(monitor);
    // Each logger dies at its first rename, most while they take up the run, before they listen.
    let mut deaths = 0;
    let expected: Vec<u8> = (0..1000).flat_map(|number| format!("line {number:05}\n").into_bytes()).collect();
    eventually("all is copied", || {
        deaths += u32::from(LoggerLink::connect(&instance.layout, &instance.program(), |_| {}).is_err());
        if deaths > 20 {
            instance.settings.clear();
        }
        run.text() == expected
    });
    assert!(deaths > 10, "only {deaths} loggers died");
    let process = run.attach.process.clone();
    let mut reader = OutputReader::open(&instance.layout, &process, Selection::default()).unwrap();
    let chunks: Vec<_> = std::iter::from_fn(|| reader.next_chunk().unwrap()).collect();
    assert!(chunks.iter().all(|chunk| chunk.time.is_some()), "times were lost");
    assert_eq!(chunks.last().unwrap().after.to_string().split(':').nth(1), Some("11000"));
}

/// A logger that is killed with `left` bytes of a line's time stamp written.
#[cfg(feature = "failpoints")]
fn killed_before_a_line(left: u64) {
    let mut instance = Instance::new();
    instance.settings = vec!["failpoint=stamp::before_line".into()];
    let monitor = instance.connect();
    let mut run = instance.start("web", Limits { timestamps: true, ..limits() });
    monitor.attach(&run);
    run.stdout.as_mut().unwrap().write_all(b"one\ntwo\n").unwrap();
    run.close();
    monitor.expect(&LoggerEvent::Gone);
    assert_eq!(run.text().len(), 25, "only a time stamp");
    std::fs::OpenOptions::new().write(true).open(run.file(0)).unwrap().set_len(left).unwrap();
    instance.settings.clear();
    let monitor = instance.connect();
    monitor.attach(&run);
    monitor.expect_closed(&run);
    let text = String::from_utf8(run.text()).unwrap();
    let lines: Vec<_> = text.lines().map(|line| line.split_at(25).1).collect();
    assert_eq!(lines, ["one", "two"]);
}

#[cfg(feature = "failpoints")]
#[test]
fn killed_between_time_stamp_and_line() {
    killed_before_a_line(25);
}

/// A kill between two pages.
#[cfg(feature = "failpoints")]
#[test]
fn killed_inside_a_time_stamp() {
    killed_before_a_line(16);
}
