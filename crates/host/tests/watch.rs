//! A watched file: each kind of change is noticed, and nothing else.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests

use process_monitor_host::files::{Durability, write_atomic};
use process_monitor_host::watch::{FileWatch, OnChange};
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(30);

fn watch(path: &Path) -> (FileWatch, Receiver<()>) {
    let (sender, changes) = channel();
    let watch = FileWatch::new(path, move || sender.send(()).unwrap_or_default()).unwrap();
    (watch, changes)
}

/// Waits for a change, and forgets what came with it.
fn noticed(changes: &Receiver<()>, what: &str) {
    changes.recv_timeout(LONG).unwrap_or_else(|_| panic!("not noticed: {what}"));
    while changes.recv_timeout(Duration::from_millis(20)).is_ok() {}
}

#[test]
fn every_way_to_change_a_file_is_noticed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.json");
    let (_watch, changes) = watch(&path);
    fs::write(&path, "created").unwrap();
    noticed(&changes, "creation");
    write_atomic(&path, b"replaced", Durability::Synced).unwrap();
    noticed(&changes, "replacement by a rename");
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"more").unwrap();
    noticed(&changes, "an append");
    fs::rename(&path, folder.path().join("b.json")).unwrap();
    noticed(&changes, "a rename away");
    fs::rename(folder.path().join("b.json"), &path).unwrap();
    noticed(&changes, "a rename back");
    #[cfg(unix)]
    {
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
        noticed(&changes, "another mode");
    }
    fs::remove_file(&path).unwrap();
    noticed(&changes, "removal");
    fs::write(&path, "").unwrap();
    noticed(&changes, "an empty file");
    fs::remove_file(&path).unwrap();
    noticed(&changes, "another removal");
    let elsewhere = TempDir::new().unwrap();
    fs::write(elsewhere.path().join("c.json"), "moved").unwrap();
    fs::rename(elsewhere.path().join("c.json"), &path).unwrap();
    noticed(&changes, "a move from another folder");
}

#[test]
fn of_several_files_each_is_told_of_its_own() {
    let folder = TempDir::new().unwrap();
    let (tell_a, a) = channel();
    let (tell_b, b) = channel();
    let files: Vec<(OsString, OnChange)> = vec![
        ("a".into(), Box::new(move || tell_a.send(()).unwrap_or_default())),
        ("b".into(), Box::new(move || tell_b.send(()).unwrap_or_default())),
    ];
    let _watch = FileWatch::in_folder(folder.path(), files).unwrap();
    fs::write(folder.path().join("b"), "x").unwrap();
    noticed(&b, "the second");
    assert!(a.try_recv().is_err(), "the first has not changed");
    fs::write(folder.path().join("a"), "x").unwrap();
    noticed(&a, "the first");
    assert!(b.try_recv().is_err(), "the second has not changed");
    // Both may have changed with their folder.
    fs::remove_dir_all(folder.path()).unwrap();
    noticed(&a, "the first with its folder");
    noticed(&b, "the second with its folder");
}

#[cfg(target_os = "linux")] // nobody else tells when a file is closed
#[test]
fn other_files_and_reading_are_not_reported() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.json");
    fs::write(&path, "x").unwrap();
    let (_watch, changes) = watch(&path);
    fs::write(folder.path().join("a.json.bak"), "x").unwrap();
    fs::write(folder.path().join(".a.json"), "x").unwrap();
    fs::remove_file(folder.path().join("a.json.bak")).unwrap();
    fs::read(&path).unwrap();
    // A reader of what comes is not handed a file that is still being written.
    let mut half = fs::File::create(&path).unwrap();
    half.write_all(b"half").unwrap();
    assert!(changes.recv_timeout(Duration::from_millis(100)).is_err());
    drop(half);
    noticed(&changes, "the end of writing");
}

#[test]
fn a_folder_that_comes_goes_and_returns_is_followed() {
    let folder = TempDir::new().unwrap();
    let deep = folder.path().join("one/two");
    let path = deep.join("a.json");
    let (_watch, changes) = watch(&path);
    for round in 0..3 {
        fs::create_dir_all(&deep).unwrap();
        // Whether the watch has arrived in the folder before or after this, it tells of it.
        fs::write(&path, "created").unwrap();
        noticed(&changes, "creation with its folders");
        write_atomic(&path, b"replaced", Durability::Unsynced).unwrap();
        noticed(&changes, "a replacement after the folders came");
        // Windows goes on watching a folder that is moved.
        if round == 0 && !cfg!(windows) {
            fs::rename(folder.path().join("one/two"), folder.path().join("one/other")).unwrap();
            noticed(&changes, "the folder renamed away");
        } else {
            fs::remove_dir_all(folder.path().join("one")).unwrap();
            noticed(&changes, "the folders removed");
        }
    }
}

#[test]
fn a_dropped_watch_is_silent_and_gone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.json");
    let (watch, changes) = watch(&path);
    drop(watch);
    fs::write(&path, "x").unwrap();
    assert!(changes.recv().is_err(), "its thread has ended, and the sender with it");
}

#[test]
fn a_burst_is_noticed_to_its_last_change() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.json");
    let (_watch, changes) = watch(&path);
    for n in 0..2000 {
        write_atomic(&path, n.to_string().as_bytes(), Durability::Unsynced).unwrap();
    }
    let last_seen =
        std::iter::from_fn(|| changes.recv_timeout(LONG).ok().map(|()| fs::read_to_string(&path).unwrap()));
    assert!({ last_seen }.any(|content| content == "1999"));
}

#[test]
fn folders_that_appear_while_the_watch_is_set_up_are_not_missed() {
    let folder = TempDir::new().unwrap();
    for round in 0..300 {
        let deep = folder.path().join(format!("{round}/a/b/c"));
        let path = deep.join("a.json");
        let (_watch, changes) = std::thread::scope(|scope| {
            scope.spawn(|| fs::create_dir_all(&deep).unwrap());
            watch(&path)
        });
        fs::write(&path, "x").unwrap();
        changes.recv_timeout(LONG).unwrap();
    }
}
