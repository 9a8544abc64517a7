//! The registry's lock file: mutual exclusion, stale locks, and errors that name the holder.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests

#[path = "emulated/mod.rs"]
mod emulated;

use process_monitor_core::id::InstanceId;
use process_monitor_core::time::Wall;
use process_monitor_host::layout::Layout;
use process_monitor_host::lock::{LockError, RegistryLock};
use std::fs::{self, File, FileTimes};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(60);

/// A child that another test forks at this moment holds what is locked here until it executes something.
const A_FORK: Duration = Duration::from_secs(4);

fn layout(directory: &Path) -> Layout {
    Layout::new(directory, InstanceId::default())
}

/// A role of this test binary, in a process of its own.
fn role(name: &str, directory: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", name]).env("ROLE_FOLDER", directory).stdout(Stdio::null());
    command
}

fn role_layout() -> Option<Layout> {
    std::env::var_os("ROLE_FOLDER").map(|folder| layout(Path::new(&folder)))
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < LONG, "never: {what}");
        std::thread::yield_now();
    }
}

fn dead_pid() -> u32 {
    // This test binary without a test to run.
    let mut child = role("none", Path::new("")).spawn().unwrap();
    child.wait().unwrap();
    child.id()
}

fn now() -> Wall {
    wall(SystemTime::now())
}

fn wall(time: SystemTime) -> Wall {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Wall::from_unix_millis(i64::try_from(since.as_millis()).unwrap())
}

fn write_lock(layout: &Layout, pid: u32, locked_at: &str) {
    let content =
        format!(r#"{{"lockedBy":"other","lockedAt":"{locked_at}","pid":{pid},"operation":"add web"}}"#);
    fs::write(layout.registry_lock(), content).unwrap();
}

fn make_old(path: &Path, age: Duration) {
    let then = SystemTime::now() - age;
    File::options().write(true).open(path).unwrap().set_times(FileTimes::new().set_modified(then)).unwrap();
}

/// Everything in the directory and its state folder but what belongs there.
fn litter(layout: &Layout) -> Vec<String> {
    let folders = [layout.directory().to_owned(), layout.state()];
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !["default_state", "breaker.lock", "counter"].contains(&name.as_str())).collect()
}

/// Not atomic, so that two at once lose a count.
fn count_up(layout: &Layout) {
    let path = layout.directory().join("counter");
    let count: u32 = fs::read_to_string(&path).map_or(0, |text| text.parse().unwrap());
    fs::write(&path, (count + 1).to_string()).unwrap();
}

fn count_up_under_the_lock(layout: &Layout, times: u32) {
    for _ in 0..times {
        let _lock = RegistryLock::acquire(layout, "count", LONG).unwrap();
        count_up(layout);
    }
}

fn counted(layout: &Layout) -> String {
    fs::read_to_string(layout.directory().join("counter")).unwrap()
}

#[test]
#[ignore = "a role, run by another test in a process of its own"]
fn role_counter() {
    if let Some(layout) = role_layout() {
        count_up_under_the_lock(&layout, 300);
    }
}

#[test]
#[ignore = "a role, run by another test in a process of its own"]
fn role_holder() {
    let Some(layout) = role_layout() else { return };
    let _lock = RegistryLock::acquire(&layout, "hold it", LONG).unwrap();
    fs::write(layout.state().join(".registry.lock.1-x.tmp"), "not a leftover").unwrap();
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
}

#[test]
fn threads_and_processes_exclude_each_other() {
    let folder = TempDir::new().unwrap();
    let layout = layout(folder.path());
    let mut others: Vec<Child> =
        (0..2).map(|_| role("role_counter", folder.path()).spawn().unwrap()).collect();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| count_up_under_the_lock(&layout, 200));
        }
    });
    for other in &mut others {
        assert!(other.wait().unwrap().success());
    }
    assert_eq!(counted(&layout), "1000");
    assert_eq!(litter(&layout), [""; 0]);
}

#[test]
fn the_lock_says_who_holds_it_and_disappears() {
    let folder = TempDir::new().unwrap();
    let layout = layout(folder.path());
    let lock = RegistryLock::acquire(&layout, "add web", LONG).unwrap();
    let content: serde_json::Value =
        serde_json::from_slice(&fs::read(layout.registry_lock()).unwrap()).unwrap();
    assert_eq!(content["pid"], std::process::id());
    assert_eq!(content["operation"], "add web");
    assert!(Wall::parse(content["lockedAt"].as_str().unwrap()).is_some());
    assert!(!content["lockedBy"].as_str().unwrap().is_empty());
    assert_eq!(content.as_object().unwrap().len(), 4);
    assert!(lock.is_held());
    drop(lock);
    assert_eq!(litter(&layout), [""; 0]);
}

#[test]
fn a_timeout_names_the_holder() {
    let folder = TempDir::new().unwrap();
    let layout = layout(folder.path());
    let _lock = RegistryLock::acquire(&layout, "add web", LONG).unwrap();
    let started = Instant::now();
    let error = RegistryLock::acquire(&layout, "remove web", Duration::from_millis(100)).unwrap_err();
    assert!(started.elapsed() >= Duration::from_millis(100));
    let words = error.to_string();
    for part in ["remove web", "add web", &format!("pid {}", std::process::id()), "since 2"] {
        assert!(words.contains(part), "{part} in {words}");
    }
    assert!(
        matches!(error, LockError::Timeout { holder: Some(holder), .. } if holder.pid == std::process::id())
    );
}

#[test]
fn a_release_wakes_who_waits_at_once() {
    let folder = TempDir::new().unwrap();
    let layout = layout(folder.path());
    let lock = RegistryLock::acquire(&layout, "hold", LONG).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            RegistryLock::acquire(&layout, "wait", LONG).unwrap();
            Instant::now()
        });
        std::thread::sleep(Duration::from_millis(50));
        drop(lock);
        let released = Instant::now();
        let waited = waiting.join().unwrap().saturating_duration_since(released);
        assert!(waited < Duration::from_secs(5), "{waited:?}");
    });
}

#[test]
fn eight_breakers_of_a_stale_lock_never_hold_it_together() {
    let folder = TempDir::new().unwrap();
    let layout = layout(folder.path());
    fs::create_dir(folder.path().join("default_state")).unwrap();
    let dead = dead_pid();
    let holders = AtomicU32::new(0);
    for _ in 0..50 {
        write_lock(&layout, dead, &now().to_string());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let _lock = RegistryLock::acquire(&layout, "break", LONG).unwrap();
                    assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0, "two hold it");
                    count_up(&layout);
                    holders.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
    }
    assert_eq!(counted(&layout), "400");
    assert_eq!(litter(&layout), [""; 0]);
}

#[test]
fn a_lock_older_than_the_process_with_its_pid_is_stale() {
    let folder = TempDir::new().unwrap();
    let layout = layout(folder.path());
    let hour_ago = wall(SystemTime::now() - Duration::from_secs(3600)).to_string();
    write_lock(&layout, std::process::id(), &hour_ago);
    RegistryLock::acquire(&layout, "x", A_FORK).unwrap();
    // The same moment without a time zone may be now in the zone of who wrote it; the file's time tells.
    write_lock(&layout, std::process::id(), hour_ago.trim_end_matches('Z'));
    assert!(RegistryLock::acquire(&layout, "x", Duration::ZERO).is_err());
    make_old(&layout.registry_lock(), Duration::from_secs(3600));
    RegistryLock::acquire(&layout, "x", A_FORK).unwrap();
}

#[test]
fn a_lock_of_a_living_process_is_respected() {
    let folder = TempDir::new().unwrap();
    let layout = layout(folder.path());
    write_lock(&layout, std::process::id(), &now().to_string());
    let before = fs::read(layout.registry_lock()).unwrap();
    assert!(matches!(
        RegistryLock::acquire(&layout, "x", Duration::from_millis(50)),
        Err(LockError::Timeout { .. })
    ));
    assert_eq!(fs::read(layout.registry_lock()).unwrap(), before);
}

#[test]
fn the_lock_of_a_killed_holder_is_broken_and_its_litter_removed() {
    let folder = TempDir::new().unwrap();
    let layout = layout(folder.path());
    let mut holder = role("role_holder", folder.path()).stdin(Stdio::piped()).spawn().unwrap();
    until("the holder has the lock", || layout.registry_lock().exists());
    fs::write(folder.path().join(format!(".processes_default.json.{}-7.tmp", holder.id())), "half").unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| RegistryLock::acquire(&layout, "take over", LONG).map(drop));
        assert!(RegistryLock::acquire(&layout, "x", Duration::ZERO).is_err(), "it lives");
        holder.kill().unwrap();
        waiting.join().unwrap().unwrap();
    });
    holder.wait().unwrap();
    let left: Vec<_> = litter(&layout).into_iter().filter(|name| !name.contains("1-x")).collect();
    assert_eq!(left, [""; 0]);
}

#[test]
fn an_unreadable_lock_is_respected_until_it_is_old() {
    let folder = TempDir::new().unwrap();
    let layout = layout(folder.path());
    for content in ["", "{", "[]", r#"{"pid":-1}"#, "\0\0", r#"{"lockedBy":"x","lockedAt":"y"}"#] {
        fs::write(layout.registry_lock(), content).unwrap();
        let error = RegistryLock::acquire(&layout, "x", Duration::from_millis(20)).unwrap_err();
        assert!(matches!(error, LockError::Timeout { holder: None, .. }), "{content:?}: {error}");
        assert!(error.to_string().contains("cannot be read"), "{error}");
        make_old(&layout.registry_lock(), Duration::from_secs(5));
        assert!(RegistryLock::acquire(&layout, "x", Duration::ZERO).is_err());
        make_old(&layout.registry_lock(), Duration::from_secs(11));
        RegistryLock::acquire(&layout, "x", A_FORK).unwrap();
    }
}

#[test]
fn something_else_in_place_of_the_lock_is_named() {
    let folder = TempDir::new().unwrap();
    let layout = layout(folder.path());
    fs::create_dir(layout.registry_lock()).unwrap();
    let words = RegistryLock::acquire(&layout, "x", LONG).unwrap_err().to_string();
    assert!(words.contains("processes_default.lock is a folder"), "{words}");
    fs::remove_dir(layout.registry_lock()).unwrap();
    #[cfg(unix)] // elsewhere a link takes a privilege
    {
        std::os::unix::fs::symlink("/dev/null", layout.registry_lock()).unwrap();
        let words = RegistryLock::acquire(&layout, "x", LONG).unwrap_err().to_string();
        assert!(words.contains("a symbolic link"), "{words}");
    }
}

#[test]
fn only_ones_own_lock_is_removed() {
    if emulated::left_out("a file that somebody has open stays when it is removed") {
        return;
    }
    let folder = TempDir::new().unwrap();
    let layout = layout(folder.path());
    let lock = RegistryLock::acquire(&layout, "x", LONG).unwrap();
    fs::remove_file(layout.registry_lock()).unwrap();
    write_lock(&layout, 1, &now().to_string());
    assert!(!lock.is_held());
    drop(lock);
    assert!(layout.registry_lock().exists());
}
