//! Starting a process in the background: ready, failed, dead, not there at all.
//!
//! The background process is this test binary again, running one of the ignored tests below.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests

use process_monitor_host::background::{Ready, ReadyReporter, StartError, start_background};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

fn start(role: &str, log: Option<&Path>) -> Result<Ready, StartError> {
    let arguments = ["--ignored", "--exact", role, "--nocapture", "--test-threads=1"].map(Into::into);
    start_background(&std::env::current_exe().unwrap(), &arguments, log)
}

fn reporter() -> Option<ReadyReporter> {
    ReadyReporter::from_env().unwrap()
}

#[test]
#[ignore = "a role, run by other tests in a process of its own"]
fn role_ready() {
    let Some(reporter) = reporter() else { return };
    assert!(ReadyReporter::from_env().unwrap().is_none(), "there is only one");
    let seen_by_a_child = std::process::Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
    let seen_by_a_child = String::from_utf8_lossy(&seen_by_a_child.stdout);
    let variable = std::env::var("TOM_PM_READY_PIPE").unwrap();
    let (_, inode) = variable.split_once(':').unwrap();
    eprintln!("listed: {}", seen_by_a_child.contains("/proc/"));
    eprintln!("inherited: {}", seen_by_a_child.contains(&format!("pipe:[{inode}]")));
    reporter.ready(Ready { pid: std::process::id() }).unwrap();
}

#[test]
#[ignore = "a role, run by other tests in a process of its own"]
fn role_failed() {
    let Some(reporter) = reporter() else { return };
    reporter.failed("the registry is broken").unwrap();
}

#[test]
#[ignore = "a role, run by other tests in a process of its own"]
fn role_dead() {
    if reporter().is_some() {
        eprintln!("line one\nthe last line");
        std::process::abort();
    }
}

#[test]
fn ready_is_told_with_the_pid_and_the_pipe_goes_to_no_program() {
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("err.log");
    let ready = start("role_ready", Some(&log)).unwrap();
    assert_ne!(ready.pid, std::process::id());
    let written = fs::read_to_string(&log).unwrap();
    assert_eq!(fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(written.contains("listed: true") && written.contains("inherited: false"), "{written}");
}

#[test]
fn a_failure_is_told_in_its_own_words() {
    let error = start("role_failed", None).unwrap_err();
    assert_eq!(error.to_string(), "the registry is broken");
}

#[test]
fn a_death_is_told_with_status_and_last_words() {
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("err.log");
    fs::write(&log, "from an earlier start\n").unwrap();
    for log in [None, Some(log.as_path())] {
        let error = start("role_dead", log).unwrap_err().to_string();
        assert!(error.contains("SIGABRT"), "{error}");
        assert!(error.contains("the last line"), "{error}");
        assert!(!error.contains("earlier start"), "{error}");
    }
}

#[test]
fn what_cannot_be_started_is_named() {
    let error = start_background(Path::new("/nonexistent/monitor"), &[], None).unwrap_err();
    assert!(matches!(error, StartError::Spawn { .. }));
    assert!(error.to_string().contains("/nonexistent/monitor"), "{error}");
}

#[test]
fn without_a_starter_there_is_nobody_to_report_to() {
    assert!(ReadyReporter::from_env().unwrap().is_none());
}
