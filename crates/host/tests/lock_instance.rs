//! One monitor per instance, whatever became of the one before.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests

use process_monitor_core::id::InstanceId;
use process_monitor_core::model::StopSignal;
use process_monitor_host::layout::Layout;
use process_monitor_host::lock::{InstanceLock, InstanceLockError, LifeLock, MonitorInfo};
use process_monitor_host::process::{Identity, Process};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn layout(directory: &Path, instance: &str) -> Layout {
    Layout::new(directory, InstanceId::new(instance).unwrap())
}

/// A role of this test binary, in a process of its own.
fn role(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", name]).env("ROLE_FOLDER", folder).stdout(Stdio::null());
    command
}

#[test]
#[ignore = "a role, run by another test in a process of its own"]
fn role_program() {
    if std::env::var_os("ROLE_FOLDER").is_some() {
        std::thread::sleep(Duration::from_secs(60));
    }
}

#[test]
#[ignore = "a role, run by another test in a process of its own"]
fn role_monitor() {
    let Some(folder) = std::env::var_os("ROLE_FOLDER") else { return };
    let _lock = InstanceLock::acquire(&layout(Path::new(&folder), "default")).unwrap();
    // A program that lives on, as a managed one does: it must not inherit the lock.
    let mut program = role("role_program", Path::new(&folder)).spawn().unwrap();
    fs::write(Path::new(&folder).join("program"), program.id().to_string()).unwrap();
    program.wait().unwrap();
}

fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::yield_now();
    }
}

#[test]
fn the_second_is_told_who_is_the_first() {
    let folder = TempDir::new().unwrap();
    let layout = layout(folder.path(), "default");
    let first = InstanceLock::acquire(&layout).unwrap();
    assert_eq!(MonitorInfo::read(&layout).as_ref(), Some(first.info()));
    assert!(first.info().is_running());
    let error = InstanceLock::acquire(&layout).unwrap_err();
    let words = error.to_string();
    assert!(matches!(error, InstanceLockError::Held { holder: Some(holder), .. } if holder == *first.info()));
    assert!(words.contains(&format!("pid {}", std::process::id())) && words.contains("default"), "{words}");
    InstanceLock::acquire(&self::layout(folder.path(), "watcher")).unwrap();
    drop(first);
    assert_eq!(MonitorInfo::read(&layout), None);
    InstanceLock::acquire(&layout).unwrap();
}

#[test]
fn a_killed_monitor_leaves_room_though_its_programs_live() {
    let folder = TempDir::new().unwrap();
    let layout = layout(folder.path(), "default");
    let mut monitor = role("role_monitor", folder.path()).spawn().unwrap();
    let program: u32 = until("the monitor started a program", || {
        fs::read_to_string(folder.path().join("program")).ok().and_then(|text| text.parse().ok())
    });
    let error = InstanceLock::acquire(&layout).unwrap_err();
    assert!(error.to_string().contains(&format!("pid {}", monitor.id())), "{error}");
    monitor.kill().unwrap();
    monitor.wait().unwrap();
    assert!(!MonitorInfo::read(&layout).unwrap().is_running());
    let lock = InstanceLock::acquire(&layout);
    let program = Process::adopt(&Identity::of(program).unwrap().unwrap()).unwrap().unwrap();
    assert!(program.signal(StopSignal::Kill).unwrap(), "it lives");
    assert_eq!(lock.unwrap().info().identity.pid, std::process::id());
}

#[test]
fn what_the_info_says_does_not_hold_the_lock() {
    let folder = TempDir::new().unwrap();
    let layout = layout(folder.path(), "default");
    drop(InstanceLock::acquire(&layout).unwrap());
    for content in ["", "nonsense", r#"{"pid":1,"startTime":1,"bootId":"x","since":"2026-01-01T00:00:00Z"}"#]
    {
        fs::write(layout.monitor_info(), content).unwrap();
        InstanceLock::acquire(&layout).unwrap();
    }
}

#[test]
fn a_held_lock_without_a_name_is_still_held() {
    let folder = TempDir::new().unwrap();
    let layout = layout(folder.path(), "default");
    drop(InstanceLock::acquire(&layout).unwrap());
    // A child that another test forks at this moment holds the lock until it execs.
    let lock = until("the lock is free", || LifeLock::try_acquire(&layout.instance_lock()).unwrap());
    assert!(LifeLock::try_acquire(&layout.instance_lock()).unwrap().is_none());
    let error = InstanceLock::acquire(&layout).unwrap_err();
    assert!(matches!(error, InstanceLockError::Held { holder: None, .. }), "{error}");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| InstanceLock::acquire(&layout).map(drop));
        drop(lock);
        waiting.join().unwrap().unwrap();
    });
}

#[cfg(unix)] // elsewhere a link takes a privilege
#[test]
fn a_lock_is_no_link() {
    let folder = TempDir::new().unwrap();
    let layout = layout(folder.path(), "default");
    drop(InstanceLock::acquire(&layout).unwrap());
    fs::remove_file(layout.instance_lock()).unwrap();
    std::os::unix::fs::symlink("victim", layout.instance_lock()).unwrap();
    assert!(matches!(InstanceLock::acquire(&layout), Err(InstanceLockError::File(_))));
    assert!(!layout.state().join("victim").exists());
}
