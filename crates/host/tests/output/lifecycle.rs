//! Loggers and monitors come and go.

use crate::support::{Instance, eventually, files, limits};
use process_monitor_host::output::Stream;
use process_monitor_host::output::link::{LoggerEvent, LoggerProgram};
use process_monitor_host::output::logger::leave_word;
use process_monitor_host::output::protocol::Limits;
use process_monitor_host::output::run::OutputHold;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_run_that_is_over_is_closed_and_its_fifos_are_gone() {
    let instance = Instance::new();
    let monitor = instance.connect();
    let mut run = instance.start("web", limits());
    monitor.attach(&run);
    monitor.expect(&LoggerEvent::Attached { run: run.attach.run.clone() });
    run.stdout.as_ref().unwrap().write_all(b"no line end").unwrap();
    run.close();
    monitor.expect_closed(&run);
    assert_eq!(run.text(), b"no line end");
    eventually("its files are gone", || instance.files_of_runs().is_empty());
    OutputHold::reopen(&instance.layout, &run.attach.run).unwrap();
    monitor.attach(&run);
    monitor.expect_closed(&run);
}

/// They stay while others begin, which shall not wait for that; but not for ever.
#[test]
fn the_files_of_a_run_go_although_others_begin_all_the_time() {
    let instance = Instance::new();
    let monitor = instance.connect();
    let mut run = instance.start("web", limits());
    monitor.attach(&run);
    run.close();
    monitor.expect_closed(&run);
    let fifo = Stream::Stdout.fifo(&instance.layout, &run.attach.run);
    let (mut others, mut began) = (Vec::new(), Instant::now());
    eventually("its files are gone", || {
        if began.elapsed() > Duration::from_millis(50) {
            began = Instant::now();
            let other = instance.start("other", limits());
            monitor.attach(&other);
            others.push(other);
        }
        !fifo.exists()
    });
}

#[test]
fn a_closed_stdout_does_not_end_the_run() {
    let instance = Instance::new();
    let monitor = instance.connect();
    let mut run = instance.start("web", limits());
    monitor.attach(&run);
    run.stdout = None;
    run.stderr.as_ref().unwrap().write_all(b"still here\n").unwrap();
    eventually("stderr is copied", || !files(&run.attach.folder, Stream::Stderr).is_empty());
    monitor.link().ping().unwrap();
    monitor.expect(&LoggerEvent::Pong);
    run.close();
    monitor.expect_closed(&run);
    assert!(!run.file(0).exists());
}

#[cfg(unix)]
#[test]
fn a_grandchild_goes_on_printing_after_the_end_of_the_program() {
    let instance = Instance::new();
    let monitor = instance.connect();
    let mut run = instance.start("web", limits());
    monitor.attach(&run);
    let script = "echo early; (read x <&3; echo late) & ";
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    let mut program = Command::new("sh")
        .args(["-c", &format!("exec 3<&0; {script}")])
        .stdin(Stdio::from(reader))
        .stdout(run.stdout.take().unwrap())
        .stderr(run.stderr.take().unwrap())
        .spawn()
        .unwrap();
    assert!(program.wait().unwrap().success());
    eventually("the first line", || std::fs::read(run.file(0)).is_ok_and(|text| text == b"early\n"));
    rustix::io::write(&writer, b"go on\n").unwrap();
    monitor.expect_closed(&run);
    assert_eq!(run.text(), b"early\nlate\n");
}

#[test]
fn output_waits_while_no_logger_is_there_and_the_next_one_finds_it_by_itself() {
    let instance = Instance::new();
    let monitor = instance.connect();
    let mut run = instance.start("web", limits());
    monitor.attach(&run);
    monitor.expect(&LoggerEvent::Attached { run: run.attach.run.clone() });
    monitor.link().quit(true).unwrap();
    monitor.expect(&LoggerEvent::Gone);
    run.stdout.as_ref().unwrap().write_all(b"nobody listens\n").unwrap();
    run.close();
    assert!(!run.file(0).exists());
    // This monitor attaches nothing: as after a crash of both, for an earlier run of a process.
    let monitor = instance.connect();
    eventually("it is copied", || std::fs::read(run.file(0)).is_ok_and(|text| text == b"nobody listens\n"));
    monitor.link().quit(false).unwrap();
    monitor.expect(&LoggerEvent::Gone);
    assert!(instance.files_of_runs().is_empty(), "the run is closed");
}

#[test]
fn output_that_fills_a_fifo_exactly_and_whose_writers_are_gone_is_closed() {
    for timestamps in [false, true] {
        let instance = Instance::new();
        let mut run = instance.start("web", Limits { timestamps, ..limits() });
        let lines = b"0123456\n".repeat(8192);
        run.stdout.as_ref().unwrap().write_all(&lines).unwrap();
        run.close();
        let monitor = instance.connect();
        monitor.attach(&run);
        monitor.expect_closed(&run);
        let stamps = if timestamps { 25 * 8192 } else { 0 };
        assert_eq!(run.text().len(), lines.len() + stamps);
    }
}

/// A monitor that is killed while the logger is busy: the answer that cannot be sent any more must not cost what was asked after it.
#[cfg(all(target_os = "linux", feature = "failpoints"))]
#[test]
fn what_a_monitor_asked_for_last_is_done_although_it_hears_of_nothing_any_more() {
    use process_monitor_host::output::protocol::{PROTOCOL, Request};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;
    let mut instance = Instance::new();
    instance.settings.push("late=".to_owned());
    drop(instance.connect());
    let runs = [(); 2].map(|()| {
        let mut run = instance.start("web", limits());
        run.stdout.as_ref().unwrap().write_all(b"said\n").unwrap();
        run.close();
        run
    });
    let ask = |mut monitor: &UnixStream, what: Request| {
        monitor.write_all((serde_json::to_string(&what).unwrap() + "\n").as_bytes()).unwrap();
    };
    let monitor = UnixStream::connect(instance.layout.logger_socket()).unwrap();
    ask(&monitor, Request::Hello { protocol: PROTOCOL });
    ask(&monitor, Request::Attach(runs[0].attach.clone()));
    eventually("the logger has taken that", || {
        let mut unread = 0;
        // SAFETY: SIOCOUTQ of unix(7) writes one int.
        let told = unsafe { libc::ioctl(monitor.as_raw_fd(), libc::TIOCOUTQ, &raw mut unread) };
        told == 0 && unread == 0
    });
    ask(&monitor, Request::Attach(runs[1].attach.clone()));
    drop(monitor);
    for run in &runs {
        eventually("it is copied", || std::fs::read(run.file(0)).is_ok_and(|text| text == b"said\n"));
    }
}

#[test]
fn a_logger_takes_up_the_runs_of_which_a_monitor_left_word_that_is_gone() {
    let instance = Instance::new();
    let monitor = instance.connect();
    let logger = monitor.link().logger_pid();
    let mut run = instance.start("web", limits());
    run.stdout.as_ref().unwrap().write_all(b"said\n").unwrap();
    run.close();
    leave_word(&instance.layout, &run.attach).unwrap();
    drop(monitor);
    let monitor = instance.connect();
    assert_eq!(monitor.link().logger_pid(), logger);
    eventually("it is copied", || std::fs::read(run.file(0)).is_ok_and(|text| text == b"said\n"));
    eventually("its files are gone", || instance.files_of_runs().is_empty());
}

#[test]
fn a_logger_asked_to_leave_when_done_copies_all_before() {
    let instance = Instance::new();
    let monitor = instance.connect();
    let mut run = instance.start("web", limits());
    monitor.attach(&run);
    monitor.link().quit(false).unwrap();
    monitor.link().ping().unwrap();
    monitor.expect(&LoggerEvent::Pong);
    run.stdout.as_ref().unwrap().write_all(b"last\n").unwrap();
    run.close();
    monitor.expect_closed(&run);
    monitor.expect(&LoggerEvent::Gone);
    assert_eq!(run.text(), b"last\n");
    assert!(!instance.layout.logger_socket().exists());
}

#[test]
fn there_is_one_logger_and_it_outlives_its_monitors() {
    let instance = Instance::new();
    let first = instance.connect();
    let second = instance.connect();
    assert_eq!(first.link().logger_pid(), second.link().logger_pid());
    first.expect(&LoggerEvent::Gone);
    // A second process finds the lock taken and leaves.
    let program = instance.program();
    let status = Command::new(program.program).args(program.args).stdout(Stdio::null()).status().unwrap();
    assert!(status.success());
    second.link().ping().unwrap();
    second.expect(&LoggerEvent::Pong);
}

#[test]
fn a_logger_that_cannot_start_is_an_error_that_says_which() {
    let instance = Instance::new();
    let mut program = instance.program();
    program.program = "/nonexistent/monitor".into();
    let error = process_monitor_host::output::link::LoggerLink::connect(&instance.layout, &program, |_| {});
    let text = error.unwrap_err().to_string();
    assert!(text.contains("/nonexistent/monitor"), "{text}");
    // Ends at once, because it does not know what it is told.
    program = LoggerProgram { args: vec!["--nonsense".into()], ..instance.program() };
    let error = process_monitor_host::output::link::LoggerLink::connect(&instance.layout, &program, |_| {});
    assert!(error.unwrap_err().to_string().contains("ended at once"));
}
