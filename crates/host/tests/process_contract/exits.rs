//! How programs ended, whoever started them, and that no number is mistaken for a process.

use crate::platform::{CODES, KILLED};
use crate::stage::{PATIENCE, Stage, Test, announced, exit_of};
use process_monitor_core::exit::Exit;
use process_monitor_core::model::StopSignal;
use process_monitor_host::process::{Identity, Process};
use std::sync::Arc;
use std::time::Duration;

pub const TESTS: &[Test] = &[
    ("exit_codes_are_exact", exit_codes_are_exact),
    ("nothing_is_said_of_the_living", nothing_is_said_of_the_living),
    ("another_process_under_the_number_is_never_taken", another_process_under_the_number_is_never_taken),
    ("an_end_is_told_to_who_waits_in_a_runtime", an_end_is_told_to_who_waits_in_a_runtime),
    ("a_number_that_is_used_again_is_not_the_process", a_number_that_is_used_again_is_not_the_process),
];

fn exit_codes_are_exact() {
    let stage = Stage::new();
    for code in CODES {
        let running = stage.act("exit").arg(code.to_string()).spawn();
        assert!(running.process.is_child());
        assert_eq!(running.exit(), Exit::Code(*code));
        assert!(!running.identity().is_alive().unwrap(), "{code} is no life");
    }
}

fn nothing_is_said_of_the_living() {
    let stage = Stage::new();
    let running = stage.act("live").spawn();
    assert_eq!(running.process.try_exit().unwrap(), None);
    assert!(!running.process.wait(Some(Duration::from_millis(1))).unwrap());
    let again = Process::adopt(&running.identity()).unwrap().unwrap();
    assert!(running.process.signal(StopSignal::Kill).unwrap());
    assert_eq!(running.exit(), KILLED);
    assert!(again.wait(Some(PATIENCE)).unwrap());
    assert!(!running.process.signal(StopSignal::Kill).unwrap(), "it is gone");
    assert!(!running.process.signal_group(StopSignal::Kill).unwrap(), "and so is its group");
}

fn another_process_under_the_number_is_never_taken() {
    let stage = Stage::new();
    let running = stage.act("live").spawn();
    let real = running.identity();
    for start_time in [real.start_time - 1, real.start_time + 1, 0, u64::MAX] {
        let recycled = Identity { start_time, ..real };
        assert!(Process::adopt(&recycled).unwrap().is_none());
        assert!(!recycled.is_alive().unwrap());
    }
    // Windows opens the process for numbers that are nobody's, too. (Elsewhere they may be somebody's of the same moment.)
    for nobody in [0, u32::MAX, i32::MAX as u32].into_iter().chain(neighbours(real.pid)) {
        assert!(Process::adopt(&Identity { pid: nobody, ..real }).unwrap().is_none());
        assert_ne!(Identity::of(nobody).unwrap(), Some(real));
    }
    assert!(real.is_alive().unwrap());
}

fn neighbours(pid: u32) -> Vec<u32> {
    if cfg!(windows) { (pid + 1..pid + 4).collect() } else { Vec::new() }
}

fn an_end_is_told_to_who_waits_in_a_runtime() {
    let stage = Stage::new();
    let path = stage.file("pids");
    let running = stage.act("live").arg(&path).spawn();
    announced(&path, 1);
    let process = Arc::new(Process::adopt(&running.identity()).unwrap().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // A wait that is given up does no harm.
        let early = tokio::time::timeout(Duration::from_millis(10), Arc::clone(&process).ended()).await;
        assert!(early.is_err());
        running.process.signal(StopSignal::Kill).unwrap();
        tokio::time::timeout(PATIENCE, Arc::clone(&process).ended()).await.unwrap().unwrap();
        // Who comes late is told as well.
        tokio::time::timeout(PATIENCE, Arc::clone(&process).ended()).await.unwrap().unwrap();
    });
    assert_eq!(exit_of(&running.process), KILLED);
}

/// Starts programs until one gets the number of one that is gone, or gives up: numbers go round late on some systems.
fn a_number_that_is_used_again_is_not_the_process() {
    let stage = Stage::new();
    let mut gone: Vec<Identity> = Vec::new();
    for _ in 0..60 {
        let running = stage.act("exit").arg("0").spawn();
        let now = running.identity();
        for old in gone.iter().filter(|old| old.pid == now.pid) {
            assert_ne!(*old, now, "the same number, another process");
            assert!(Process::adopt(old).unwrap().is_none());
            assert!(!old.is_alive().unwrap());
        }
        running.exit();
        drop(running);
        gone.push(now);
    }
}
