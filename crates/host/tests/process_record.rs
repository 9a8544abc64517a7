//! Run records: written whole, read with care.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a panic is how a test fails

mod process_support;

use process_monitor_core::exit::Exit;
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_core::time::Wall;
use process_monitor_host::files::FileId;
use process_monitor_host::layout::Layout;
use process_monitor_host::process::record::{
    Intent, RecordError, RecordState, RunRecord, finish, read, read_all, read_free, remove,
};
use process_monitor_host::process::{BootId, Identity};
use process_monitor_host::stock::Stock;
use process_support::{PATIENCE, Stage, eventually, run_id};
use rustix::fs::{CWD, FileType, FlockOperation, flock, mknodat};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::sync::mpsc;
use std::time::Duration;

fn create(stage: &Stage, run: &RunId) -> RunRecord {
    RunRecord::create(&stage.record_path(), &stage.intent(run), &Stock::none()).unwrap()
}

fn append(stage: &Stage, bytes: &[u8]) {
    OpenOptions::new().append(true).open(stage.record_path()).unwrap().write_all(bytes).unwrap();
}

/// A line of `/proc/PID/stat` of a program with this name.
fn child_line(name: &str) -> String {
    let numbers: Vec<String> = (4..=52).map(|number| number.to_string()).collect();
    format!("4711 ({name}) R {}\n", numbers.join(" "))
}

const CHILD: Identity = Identity { pid: 4711, start_time: 22 };

fn at() -> Wall {
    Wall::from_unix_millis(1_700_000_000_123)
}

fn finished(exit: Exit) -> RecordState {
    RecordState::Finished { leader: CHILD, main: None, exit, at: at() }
}

#[test]
fn the_life_of_a_record() {
    let stage = Stage::new();
    let run = run_id();
    drop(create(&stage, &run));
    assert_eq!(stage.record().intent, stage.intent(&run));
    assert_eq!(stage.record().state, RecordState::IntentOnly);
    append(&stage, child_line("sh").as_bytes());
    assert_eq!(stage.record().state, RecordState::Spawned(CHILD));
    finish(&stage.record_path(), &run_id(), Exit::Code(1), at()).unwrap();
    assert_eq!(stage.record().state, RecordState::Spawned(CHILD), "the exit of another run changes nothing");
    let next = run_id();
    drop(create(&stage, &next));
    assert_eq!(stage.record().state, RecordState::IntentOnly, "a new run begins anew");
    let mode = fs::metadata(stage.record_path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// New files are slow to be made where many were removed.
#[test]
fn records_are_written_into_files_of_earlier_ones_unless_a_child_still_writes_into_them() {
    let stage = Stage::new();
    let layout = Layout::new(&stage.folder, Default::default());
    fs::create_dir_all(layout.runs()).unwrap();
    let stock = Stock::of(&layout);
    let path = layout.run_record(&ProcessId::new("web").unwrap());
    let run = || RunRecord::create(&path, &stage.intent(&run_id()), &stock).unwrap();
    let file = || FileId::at(&path).unwrap();
    drop(run());
    let first = file();
    drop(run());
    let second = file();
    assert_ne!(first, second);
    OpenOptions::new().append(true).open(&path).unwrap().write_all(child_line("sh").as_bytes()).unwrap();
    for expected in [first, second] {
        drop(run());
        assert_eq!(file(), expected);
        let found = read(&path, &BootId::current().unwrap()).unwrap();
        assert_eq!(found.state, RecordState::IntentOnly, "nothing is left of an earlier run");
    }
    remove(&path, &stock).unwrap();
    remove(&path, &stock).unwrap();
    assert!(read_all(&layout.runs(), &BootId::current().unwrap()).unwrap().is_empty());
    drop(run());
    assert_eq!(file(), second, "what was removed is the next");

    // A child of this run does not come to its exec.
    let _held = run();
    let locked = file();
    drop(run());
    drop(run());
    assert_ne!(file(), locked);
}

/// Who waits for a record's lock may find the file to be that of another process by then.
#[test]
fn a_reader_whose_file_serves_another_process_meanwhile_reads_what_it_wanted() {
    let stage = Stage::new();
    let path = |id: &str| stage.folder.join(format!("{id}.run"));
    let create = |id: &str| {
        let intent = Intent { process: ProcessId::new(id).unwrap(), ..stage.intent(&run_id()) };
        drop(RunRecord::create(&path(id), &intent, &Stock::none()).unwrap());
        fs::read(path(id)).unwrap()
    };
    let other = create("other");
    create("one");
    let held = OpenOptions::new().read(true).open(path("one")).unwrap();
    flock(&held, FlockOperation::LockExclusive).unwrap();
    let inode = format!(":{} ", held.metadata().unwrap().ino());
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| read(&path("one"), &BootId::current().unwrap()));
        let is_ours = |line: &str| line.contains("-> FLOCK") && line.contains(&inode);
        let waits = || fs::read_to_string("/proc/locks").unwrap().lines().any(is_ours);
        eventually("it waits for the lock", waits);
        fs::rename(path("one"), path("other")).unwrap();
        fs::write(path("other"), other).unwrap();
        create("one");
        drop(held);
        assert_eq!(reading.join().unwrap().unwrap().intent.process.as_str(), "one");
    });
}

#[test]
fn exits_are_kept() {
    for exit in [Exit::Code(-1), Exit::Code(0), Exit::Code(300), Exit::Signal(9), Exit::Unknown] {
        let stage = Stage::new();
        let run = run_id();
        drop(create(&stage, &run));
        append(&stage, child_line("sh").as_bytes());
        finish(&stage.record_path(), &run_id(), Exit::Code(77), at()).unwrap();
        finish(&stage.record_path(), &run, exit, at()).unwrap();
        finish(&stage.record_path(), &run, Exit::Code(78), at()).unwrap();
        assert_eq!(stage.record().state, finished(exit));
    }
    let stage = Stage::new();
    finish(&stage.record_path(), &run_id(), Exit::Unknown, at()).unwrap();
    assert!(!stage.record_path().exists(), "no record, nothing to finish");
}

#[test]
fn a_hostile_name_of_the_monitor() {
    for name in [") R 1 (", "a\nb", "{\"run\":1}\n", ""] {
        let stage = Stage::new();
        let run = run_id();
        drop(create(&stage, &run));
        append(&stage, child_line(name).as_bytes());
        assert_eq!(stage.record().state, RecordState::Spawned(CHILD), "{name:?}");
        finish(&stage.record_path(), &run, Exit::Code(2), at()).unwrap();
        assert_eq!(stage.record().state, finished(Exit::Code(2)), "{name:?}");
    }
}

#[test]
fn a_torn_line_of_a_child_names_nobody() {
    let line = child_line("sh");
    for length in 0..line.len() {
        let stage = Stage::new();
        drop(create(&stage, &run_id()));
        append(&stage, &line.as_bytes()[..length]);
        assert_eq!(stage.record().state, RecordState::IntentOnly, "{length} bytes");
    }
}

#[test]
fn another_boot() {
    let stage = Stage::new();
    let mut intent = stage.intent(&run_id());
    intent.boot = serde_json::from_str("\"00000000-0000-0000-0000-000000000000\"").unwrap();
    drop(RunRecord::create(&stage.record_path(), &intent, &Stock::none()).unwrap());
    append(&stage, child_line("sh").as_bytes());
    assert_eq!(stage.record().state, RecordState::OtherBoot);
}

#[test]
fn what_is_no_record_is_an_error_that_names_it() {
    let stage = Stage::new();
    let boot = BootId::current().unwrap();
    drop(create(&stage, &run_id()));
    let good = fs::read(stage.record_path()).unwrap();
    let text = String::from_utf8(good.clone()).unwrap();
    let newer = text.replacen("\"version\":1", "\"version\":2", 1);
    let contents: [&[u8]; 8] = [
        b"",
        b"\n",
        b"{}\n",
        b"\xff\xfe\n",
        &good[..good.len() - 1],
        newer.as_bytes(),
        b"[1]\n",
        &[b'x'; 70_000],
    ];
    for content in contents {
        fs::write(stage.record_path(), content).unwrap();
        let error = read(&stage.record_path(), &boot).unwrap_err();
        assert!(matches!(error, RecordError::Foreign { .. }), "{error}");
        assert!(error.to_string().contains("web.run"), "{error}");
    }
    fs::rename(stage.record_path(), stage.folder.join("x")).unwrap();
    fs::write(stage.folder.join("other.run"), &good).unwrap();
    assert!(
        matches!(read(&stage.folder.join("other.run"), &boot), Err(RecordError::Foreign { .. })),
        "another's"
    );
}

#[test]
fn a_folder_of_records() {
    let stage = Stage::new();
    let boot = BootId::current().unwrap();
    assert!(read_all(&stage.folder.join("none"), &boot).unwrap().is_empty());
    drop(create(&stage, &run_id()));
    fs::write(stage.folder.join("web.run.new"), "half").unwrap();
    fs::write(stage.folder.join("notes"), "").unwrap();
    fs::create_dir(stage.folder.join("folder.run")).unwrap();
    symlink("web.run", stage.folder.join("link.run")).unwrap();
    mknodat(CWD, stage.folder.join("fifo.run"), FileType::Fifo, 0o600.into(), 0).unwrap();
    let found = read_all(&stage.folder, &boot).unwrap();
    assert_eq!(found.len(), 4, "{found:?}");
    let good: Vec<_> =
        found.iter().filter(|(_, record)| record.is_ok()).map(|(path, _)| path.clone()).collect();
    assert_eq!(good, [stage.record_path()]);
}

#[test]
fn who_may_not_wait_is_told_of_a_start_under_way() {
    let stage = Stage::new();
    let boot = BootId::current().unwrap();
    let held = create(&stage, &run_id());
    let states = || read_free(&stage.folder, &boot).unwrap().into_iter().map(|(_, record)| record);
    assert!(states().all(|record| matches!(record, Err(RecordError::Busy { .. }))), "it is locked");
    drop(held);
    let free: Vec<_> = states().map(|record| record.unwrap().state).collect();
    assert_eq!(free, [RecordState::IntentOnly]);
}

#[test]
fn remains_of_a_kill_are_replaced() {
    let stage = Stage::new();
    fs::write(stage.folder.join("web.run.new"), "half a rec").unwrap();
    drop(create(&stage, &run_id()));
    assert_eq!(stage.record().state, RecordState::IntentOnly);
    assert!(!stage.folder.join("web.run.new").exists());
}

#[test]
fn a_record_that_cannot_be_written() {
    let stage = Stage::new();
    let path = stage.folder.join("none/web.run");
    let error = RunRecord::create(&path, &stage.intent(&run_id()), &Stock::none()).unwrap_err();
    assert!(error.to_string().contains("none/web.run"), "{error}");
    fs::create_dir(stage.record_path()).unwrap();
    RunRecord::create(&stage.record_path(), &stage.intent(&run_id()), &Stock::none()).unwrap_err();
    assert!(!stage.folder.join("web.run.new").exists(), "it cleans up");
}

#[test]
fn a_reader_waits_for_the_child_on_its_way() {
    let stage = Stage::new();
    let record = create(&stage, &run_id());
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| sender.send(stage.record().state).unwrap());
        let waits =
            || fs::read_to_string("/proc/locks").unwrap().lines().any(|line| line.contains("-> FLOCK"));
        eventually("it waits for the lock", waits);
        assert!(receiver.try_recv().is_err());
        append(&stage, child_line("sh").as_bytes());
        drop(record);
        assert_eq!(receiver.recv_timeout(PATIENCE).unwrap(), RecordState::Spawned(CHILD));
    });
}

#[test]
fn a_reader_does_not_wait_for_ever() {
    let stage = Stage::new();
    let record = create(&stage, &run_id());
    let error = read(&stage.record_path(), &BootId::current().unwrap()).unwrap_err();
    assert!(matches!(error, RecordError::Busy { .. }), "{error}");
    drop(record);
    stage.record();
}

#[test]
fn the_lock_is_held_while_the_record_is_open() {
    let stage = Stage::new();
    let record = create(&stage, &run_id());
    let other = fs::File::open(stage.record_path()).unwrap();
    assert!(flock(&other, FlockOperation::NonBlockingLockShared).is_err());
    let running = stage.program("sleep").arg("1000");
    drop(record);
    let running = running.spawn();
    let other = fs::File::open(stage.record_path()).unwrap();
    // The kernel lets a parent go on just before it closes the child's descriptors.
    let is_free = || flock(&other, FlockOperation::NonBlockingLockExclusive).is_ok();
    eventually("neither program nor monitor keeps it", is_free);
    assert!(!running.process.wait(Some(Duration::ZERO)).unwrap());
}

#[test]
fn a_run_without_output_is_a_run_for_monitors_that_know_of_none() {
    let stage = Stage::new();
    let intent = Intent { folder: None, ..stage.intent(&run_id()) };
    drop(RunRecord::create(&stage.record_path(), &intent, &Stock::none()).unwrap());
    assert_eq!(stage.record().intent, intent);
    let text = fs::read_to_string(stage.record_path()).unwrap();
    assert!(text.contains(r#""folder":"""#), "{text}");
}
