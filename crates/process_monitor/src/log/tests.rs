use super::*;
use process_monitor_core::id::InstanceId;
use spec::Form;
use std::fs;
use std::io::Write;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

fn layout(folder: &TempDir) -> Layout {
    Layout::new(folder.path(), InstanceId::default())
}

/// The text of the only log file, after `events` were logged.
fn logged(spec: &str, events: impl FnOnce()) -> String {
    let folder = TempDir::new().unwrap();
    let layout = layout(&folder);
    let (subscriber, guard) = open(&layout, false, spec.parse().unwrap()).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        events();
        drop(guard);
    });
    let logs = monitor_logs(&layout).unwrap();
    assert_eq!(logs.len(), 1);
    fs::read_to_string(&logs[0]).unwrap()
}

/// The lines without their times, whose form is checked.
fn without_times(text: &str) -> Vec<&str> {
    text.lines()
        .map(|line| {
            let (time, rest) = line.split_once("] ").unwrap();
            let time = time.strip_prefix('[').unwrap();
            assert!(time.len() == 24 && process_monitor_core::time::Wall::parse(time).is_some(), "{line}");
            rest
        })
        .collect()
}

#[test]
fn lines_look_as_specified() {
    let text = logged("debug", || {
        tracing::info!("the monitor is ready");
        tracing::warn!(process = "web", attempts = 3, ratio = 0.5, last = true, "it crashed");
        tracing::error!(command = %"/bin/a b", empty = "", quote = "say \"hi\"", path = "C:\\x", "failed");
        tracing::debug!(list = ?["a"], "a detail");
    });
    assert_eq!(
        without_times(&text),
        [
            "[INFO] the monitor is ready",
            "[WARN] it crashed process=web attempts=3 ratio=0.5 last=true",
            r#"[ERROR] failed command="/bin/a b" empty="" quote="say \"hi\"" path=C:\x"#,
            r#"[DEBUG] a detail list="[\"a\"]""#,
        ]
    );
}

#[test]
fn one_event_is_one_line_whatever_it_holds() {
    let hostile = "a\n[2026-01-24T10:30:00.000Z] [INFO] forged\r\x1b[31m\0\u{85}\u{2028}\u{202e}\u{9b}";
    let text = logged("", || tracing::info!(field = hostile, "{hostile}"));
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.trim_end_matches('\n').chars().all(|c| c == ' ' || !(c.is_control() || c.is_whitespace())),
        "{text:?}"
    );
    assert!(text.contains(r"a\n[2026") && text.contains(r"\u{1b}[31m"), "{text}");

    let text = logged("json", || tracing::info!(field = hostile, "{hostile}"));
    let value: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
    assert_eq!(
        (value["message"].as_str(), value["fields"]["field"].as_str()),
        (Some(hostile), Some(hostile))
    );
}

#[test]
fn json_keeps_numbers_and_names_apart() {
    let text = logged("json", || tracing::warn!(level = "mine", n = 7, "it crashed"));
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["level"], "WARN");
    assert_eq!(value["message"], "it crashed");
    assert_eq!(value["fields"], serde_json::json!({"level": "mine", "n": 7}));
}

#[test]
fn only_what_is_asked_for_is_logged() {
    let events = || {
        tracing::debug!("detail");
        tracing::info!("news");
        tracing::warn!("trouble");
        tracing::debug!(target: "hyper", "detail of a library");
        tracing::info!(target: "hyper", "news of a library");
    };
    assert_eq!(logged("warn", events).lines().count(), 1);
    assert_eq!(logged("", events).lines().count(), 3);
    assert_eq!(logged("debug", events).lines().count(), 4);
    let folder = TempDir::new().unwrap();
    let error = start(&layout(&folder), false, Some("loud")).unwrap_err().to_string();
    assert!(error.contains("TOM_PM_LOG") && error.contains("loud"), "{error}");
}

#[test]
fn an_endless_text_is_cut() {
    let text = logged("", || tracing::info!(field = "ä".repeat(100_000), "x"));
    assert!(text.len() < 20_000 && text.trim_end().ends_with("… (cut)\""), "{} bytes", text.len());
}

#[test]
fn what_is_logged_after_the_end_is_written_too() {
    let folder = TempDir::new().unwrap();
    let (subscriber, guard) = open(&layout(&folder), false, LogSpec::default()).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        tracing::info!("before");
        drop(guard);
        tracing::info!("after");
    });
    let text = fs::read_to_string(&monitor_logs(&layout(&folder)).unwrap()[0]).unwrap();
    assert_eq!(without_times(&text), ["[INFO] before", "[INFO] after"]);
}

/// A disk of `room` bytes, of which a write takes what fits.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<(String, usize)>>);

impl Disk {
    fn with_room(room: usize) -> Self {
        Self(Arc::new(Mutex::new((String::new(), room))))
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().0.clone()
    }
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (text, room) = &mut *self.0.lock().unwrap();
        let fits = bytes.len().min(*room);
        if fits == 0 {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        text.push_str(std::str::from_utf8(&bytes[..fits]).unwrap());
        *room -= fits;
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_survived_and_the_loss_admitted() {
    let disk = Disk::with_room("one\ntwo".len());
    let sink = Sink::start(disk.clone(), Form::Text).unwrap();
    // Closed, so that each line is written when it is logged.
    sink.close();
    for line in ["one\n", "two\n", "three\n", "four\n"] {
        sink.append(line);
    }
    assert_eq!(disk.text(), "one\ntwo");
    disk.0.lock().unwrap().1 = 10_000;
    sink.append("five\n");
    sink.append("six\n");
    let text = disk.text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!((lines[0], lines[1], lines[3], lines[4]), ("one", "two", "five", "six"), "{text}");
    assert!(
        lines[2].contains("[WARN] 3 lines of this log were lost: ") && lines[2].contains("no storage space"),
        "{text}"
    );
    assert_eq!(lines.len(), 5);
}

/// A disk whose first write hangs until it is told to go on.
struct Hanging {
    started: Sender<()>,
    go_on: Receiver<()>,
    disk: Disk,
}

impl Write for Hanging {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.started.send(());
        let _ = self.go_on.recv();
        self.disk.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_hanging_disk_holds_nobody_up_and_costs_bounded_memory() {
    let (started, has_started) = channel();
    let (goes_on, go_on) = channel();
    let disk = Disk::with_room(usize::MAX);
    let sink = Sink::start(Hanging { started, go_on, disk: disk.clone() }, Form::Text).unwrap();
    sink.append("first\n");
    has_started.recv().unwrap();
    let line = format!("{}\n", "x".repeat(1023));
    // Nobody lets the disk go on before all of these have been taken.
    (0..5000).for_each(|_| sink.append(&line));
    drop(goes_on);
    sink.close();
    sink.append("last\n");
    let text = disk.text();
    assert!(text.starts_with("first\n") && text.ends_with("last\n"));
    assert_eq!(text.matches('x').count(), (4 << 20) / 1024 * 1023, "the queue's bound");
    assert!(
        text.contains(&format!("[WARN] {} lines of this log were lost", 5000 - 4096)),
        "lost: {}",
        text.lines().nth(1).unwrap()
    );
}

#[test]
fn a_burst_from_many_threads_is_complete_and_untorn() {
    let disk = Disk::with_room(usize::MAX);
    let sink = Sink::start(disk.clone(), Form::Text).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let sink = &sink;
            scope.spawn(move || (0..1000).for_each(|n| sink.append(&format!("{thread} {n}\n"))));
        }
    });
    sink.close();
    let text = disk.text();
    for thread in 0..4 {
        let mine = text.lines().filter_map(|line| line.strip_prefix(&format!("{thread} ")));
        assert!(mine.eq((0..1000).map(|n| n.to_string())), "thread {thread}");
    }
}
