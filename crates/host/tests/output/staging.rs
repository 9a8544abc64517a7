//! Output that cannot be moved from FIFO to file in one step, with a logger that dies at each step.
#![cfg(feature = "failpoints")]

use crate::support::{Instance, eventually, limits};
use process_monitor_host::output::link::{LoggerEvent, LoggerLink};
use process_monitor_host::output::protocol::Limits;
use std::io::Write;

#[test]
fn killed_before_a_read() {
    killed_at("staging::before_read");
}

#[test]
fn killed_after_a_read() {
    killed_at("staging::after_read");
}

#[test]
fn killed_before_a_write() {
    killed_at("staging::before_write");
}

#[test]
fn killed_after_a_write() {
    killed_at("staging::after_write");
}

/// How many loggers die; where each start goes through an emulator of the system, fewer.
const DEATHS: u32 = if cfg!(windows) { 6 } else { 20 };

/// Each logger dies the first time that it is at `point`, but for the last.
fn killed_at(point: &str) {
    let mut instance = Instance::new();
    instance.settings = vec!["stages".into(), format!("failpoint={point}")];
    let monitor = instance.connect();
    let mut run = instance.start("web", Limits { max_file_bytes: 1000, keep_files: 100, ..limits() });
    monitor.attach(&run);
    for number in 0..1000 {
        writeln!(run.stdout.as_ref().unwrap(), "line {number:05}").unwrap();
    }
    run.close();
    monitor.expect(&LoggerEvent::Gone);
    drop(monitor);
    let expected: Vec<u8> = (0..1000).flat_map(|number| format!("line {number:05}\n").into_bytes()).collect();
    let mut deaths = 0;
    eventually("all is copied", || {
        deaths += u32::from(LoggerLink::connect(&instance.layout, &instance.program(), |_| {}).is_err());
        if deaths > DEATHS {
            instance.settings.truncate(1);
        }
        run.text() == expected
    });
    // One read takes all that the FIFO has.
    assert!(deaths > 0, "no logger died");
}

/// Behind where it was cut off would be a hole.
#[test]
#[cfg(target_os = "linux")] // where it can be seen that the logger has taken what was printed
fn a_file_that_is_cut_off_while_bytes_are_taken_begins_anew() {
    let mut instance = Instance::new();
    instance.settings = vec!["stages".into(), "slow".into()];
    let monitor = instance.connect();
    let mut run = instance.start("web", limits());
    monitor.attach(&run);
    let content = |wanted: &str| {
        eventually(wanted, || std::fs::read(run.file(0)).is_ok_and(|text| text.ends_with(wanted.as_bytes())));
        std::fs::read_to_string(run.file(0)).unwrap()
    };
    let mut stdout = run.stdout.as_ref().unwrap();
    writeln!(stdout, "one").unwrap();
    content("one\n");
    writeln!(stdout, "two").unwrap();
    eventually("it is taken", || rustix::io::ioctl_fionread(stdout).unwrap() == 0);
    std::fs::File::create(run.file(0)).unwrap();
    assert_eq!(content("two\n"), "two\n");
    run.close();
    monitor.expect_closed(&run);
}
