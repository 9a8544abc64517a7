//! How programs ended, our children and others, and signals that reach the right ones only.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a panic is how a test fails
#![cfg(target_os = "linux")] // by pidfds

mod process_support;

use process_monitor_core::exit::Exit;
use process_monitor_core::model::StopSignal;
use process_monitor_host::process::handle::exit_of;
use process_monitor_host::process::{Identity, Process};
use process_support::{PATIENCE, Stage, announced, eventually, state};
use rustix::fs::{CWD, FileType, mknodat};
use std::fs;
use std::os::fd::AsFd;
use std::time::Duration;

#[test]
fn codes_and_signals_of_children() {
    let table = [
        ("exit 0", Exit::Code(0)),
        ("exit 1", Exit::Code(1)),
        ("exit 255", Exit::Code(255)),
        ("kill -KILL $$", Exit::Signal(9)),
        ("kill -TERM $$", Exit::Signal(15)),
        ("kill -ABRT $$", Exit::Signal(6)),
        ("kill -SEGV $$", Exit::Signal(11)),
    ];
    for (script, exit) in table {
        let stage = Stage::new();
        let running = stage.script(script).spawn();
        assert!(running.process.is_child());
        assert_eq!(running.exit(), exit, "{script}");
        assert!(!running.process.identity().is_alive().unwrap());
    }
}

#[test]
fn nothing_is_said_of_the_living() {
    let stage = Stage::new();
    let running = stage.program("sleep").arg("1000").spawn();
    assert_eq!(running.process.try_exit().unwrap(), None);
    assert_eq!(exit_of(running.process.as_fd(), &running.process.identity()).unwrap(), None);
    assert!(running.process.signal(StopSignal::Kill).unwrap());
    assert_eq!(running.exit(), Exit::Signal(9));
    assert!(!running.process.signal(StopSignal::Kill).unwrap(), "it is gone");
    assert!(!running.process.signal_group(StopSignal::Kill).unwrap(), "and so is its group");
}

/// A kernel that keeps the exit code of reaped processes for their pidfds (≥ 6.15).
fn kernel_keeps_exits() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(['.', '-']).map_while(|number| number.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(6), Some(15))
}

/// A grandchild that ends by `end` when told, and whose parent then does `afterwards`.
fn exit_of_grandchild(end: &str, afterwards: &str) -> Exit {
    let stage = Stage::new();
    mknodat(CWD, stage.folder.join("go"), FileType::Fifo, 0o600.into(), 0).unwrap();
    let script = format!("sh -c 'echo $$; read word < go; {end}' & {afterwards}");
    let parent = stage.script(&script).spawn();
    let grandchild = announced(&stage.stdout_path(), 1)[0];
    let process = Process::adopt(&grandchild).unwrap().unwrap();
    assert!(!process.is_child());
    assert_eq!(process.try_exit().unwrap(), None);
    fs::write(stage.folder.join("go"), "go\n").unwrap();
    assert!(process.wait(Some(PATIENCE)).unwrap());
    if afterwards.contains("wait") {
        eventually("its parent reaps it", || state(grandchild.pid).is_none());
    } else {
        assert_eq!(state(grandchild.pid), Some('Z'));
        assert!(!grandchild.is_alive().unwrap(), "zombies are dead");
        let zombie = Process::adopt(&grandchild).unwrap().expect("a zombie can be taken");
        assert_eq!(zombie.try_exit().unwrap(), process.try_exit().unwrap());
    }
    let exit = process.try_exit().unwrap().unwrap();
    drop(parent);
    exit
}

#[test]
fn codes_and_signals_of_zombies_that_are_not_ours() {
    // After its exec the parent knows of no child to reap.
    assert_eq!(exit_of_grandchild("exit 42", "exec sleep 1000"), Exit::Code(42));
    assert_eq!(exit_of_grandchild("kill -KILL $$", "exec sleep 1000"), Exit::Signal(9));
}

#[test]
fn codes_and_signals_of_reaped_processes_that_were_not_ours() {
    let expected = |exit| if kernel_keeps_exits() { exit } else { Exit::Unknown };
    assert_eq!(exit_of_grandchild("exit 42", "wait; exec sleep 1000"), expected(Exit::Code(42)));
    assert_eq!(exit_of_grandchild("kill -KILL $$", "wait; exec sleep 1000"), expected(Exit::Signal(9)));
}

#[test]
fn another_process_under_the_number_is_never_taken() {
    let stage = Stage::new();
    let running = stage.program("sleep").arg("1000").spawn();
    let real = running.process.identity();
    for start_time in [real.start_time - 1, real.start_time + 1, 0] {
        let recycled = Identity { start_time, ..real };
        assert!(Process::adopt(&recycled).unwrap().is_none());
        assert!(!recycled.is_alive().unwrap());
    }
    assert!(real.is_alive().unwrap());
    for nobody in [0, u32::MAX, i32::MAX as u32] {
        assert!(Process::adopt(&Identity { pid: nobody, start_time: 1 }).unwrap().is_none());
    }
}

#[test]
fn a_group_is_reached_after_its_leaders_end() {
    let stage = Stage::new();
    let running = stage.script("sleep 1000 & echo $!").spawn();
    let member = announced(&stage.stdout_path(), 1)[0];
    assert_eq!(running.exit(), Exit::Code(0));
    assert!(member.is_alive().unwrap());
    assert!(running.process.signal_group(StopSignal::Term).unwrap());
    eventually("the member dies", || !member.is_alive().unwrap());
}

#[test]
fn the_end_of_the_first_thread_is_not_the_end() {
    // A leader whose thread is gone shows as a zombie while its other threads go on.
    process_support::isolated("the_end_of_the_first_thread_is_not_the_end", || {
        let stage = Stage::new();
        let script = "import ctypes, os, threading, time\n\
                      def rest():\n open('ready', 'w').write('x')\n open('go').read(); os._exit(5)\n\
                      threading.Thread(target=rest).start()\n\
                      ctypes.CDLL(None).syscall(60, 0)";
        if cfg!(not(target_arch = "x86_64"))
            || std::process::Command::new("python3").arg("-V").output().is_err()
        {
            return;
        }
        mknodat(CWD, stage.folder.join("go"), FileType::Fifo, 0o600.into(), 0).unwrap();
        let running = stage.program("python3").arg("-c").arg(script).spawn();
        eventually("only its second thread is left", || state(running.pid()) == Some('Z'));
        assert!(running.process.identity().is_alive().unwrap());
        assert_eq!(running.process.try_exit().unwrap(), None);
        fs::write(stage.folder.join("go"), "go").unwrap();
        assert_eq!(running.exit(), Exit::Code(5));
    });
}

#[test]
fn a_stopped_process_stays_stopped() {
    let stage = Stage::new();
    let running = stage.script("kill -STOP $$; exit 3").spawn();
    eventually("it stops itself", || state(running.pid()) == Some('T'));
    let identity = running.process.identity();
    assert!(identity.is_alive().unwrap(), "stopped is alive");
    let again = Process::adopt(&identity).unwrap().unwrap();
    assert_eq!(again.try_exit().unwrap(), None);
    assert!(!again.wait(Some(Duration::ZERO)).unwrap());
    assert_eq!(state(running.pid()), Some('T'), "and was not continued by being looked at");
}
