//! Exits while no monitor is there.

use crate::support::{Instance, eventually, limits};
use process_monitor_core::exit::Exit;
use process_monitor_core::id::{ProcessId, RunId};
use process_monitor_host::output::link::LoggerEvent;
use process_monitor_host::output::note::ExitNote;
use process_monitor_host::process::record::{Intent, RunRecord};
use process_monitor_host::process::{BootId, Identity};
use process_monitor_host::stock::Stock;
use std::fs;
use std::process::{Child, Command, Stdio};

fn program(script: &str) -> (Child, Identity) {
    let child = Command::new("sh").args(["-c", script]).stdin(Stdio::piped()).spawn().unwrap();
    let identity = Identity::of(child.id()).unwrap().unwrap();
    (child, identity)
}

#[test]
fn an_exit_without_a_monitor_is_noted_until_a_monitor_knows() {
    for (script, reaped) in [("read x; exit 7", false), ("read x; exit 7", true)] {
        let instance = Instance::new();
        let monitor = instance.connect();
        let mut run = instance.start("web", limits());
        let (mut child, identity) = program(script);
        run.attach.identity = Some(identity);
        monitor.attach(&run);
        monitor.expect(&LoggerEvent::Attached { run: run.attach.run.clone() });
        drop(monitor);
        let end = |child: &mut Child| drop(child.stdin.take());
        end(&mut child);
        if reaped {
            child.wait().unwrap();
        }
        eventually("the exit is noted", || ExitNote::read(&instance.layout, &run.attach.run).is_some());
        let note = ExitNote::read(&instance.layout, &run.attach.run).unwrap();
        assert_eq!(note.exit, Exit::Code(7));
        let monitor = instance.connect();
        monitor.attach(&run);
        monitor.expect(&LoggerEvent::Exited(note));
        monitor.link().exited(&run.attach.run).unwrap();
        run.close();
        monitor.expect_closed(&run);
        eventually("it is forgotten", || ExitNote::read(&instance.layout, &run.attach.run).is_none());
        child.wait().unwrap();
    }
}

/// As on macOS, where nothing tells that a FIFO's last writer is gone.
#[cfg(feature = "failpoints")]
#[test]
fn output_whose_end_nothing_tells_is_closed_when_the_program_has_ended() {
    use std::io::Write;
    for exit_is_told in [true, false] {
        let mut instance = Instance::new();
        instance.settings = vec!["silent".into()];
        let monitor = instance.connect();
        let mut run = instance.start("web", limits());
        let (mut child, identity) = program("read x");
        run.attach.identity = Some(identity);
        monitor.attach(&run);
        monitor.expect(&LoggerEvent::Attached { run: run.attach.run.clone() });
        run.stdout.as_ref().unwrap().write_all(b"the last words").unwrap();
        // What it has started holds its standard error a little longer.
        run.stdout = None;
        drop(child.stdin.take());
        child.wait().unwrap();
        let monitor = match exit_is_told {
            true => monitor,
            false => {
                drop(monitor);
                eventually("the exit is noted", || {
                    ExitNote::read(&instance.layout, &run.attach.run).is_some()
                });
                instance.connect()
            }
        };
        monitor.link().exited(&run.attach.run).unwrap();
        eventually("what was printed is copied", || run.text() == b"the last words");
        run.close();
        monitor.expect_closed(&run);
    }
}

#[test]
fn with_a_monitor_nothing_is_noted() {
    let instance = Instance::new();
    let monitor = instance.connect();
    let mut run = instance.start("web", limits());
    let (mut child, identity) = program("read x; kill -9 $$");
    run.attach.identity = Some(identity);
    monitor.attach(&run);
    monitor.expect(&LoggerEvent::Attached { run: run.attach.run.clone() });
    drop(child.stdin.take());
    child.wait().unwrap();
    run.close();
    monitor.expect_closed(&run);
    monitor.link().exited(&run.attach.run).unwrap();
    monitor.link().ping().unwrap();
    monitor.expect(&LoggerEvent::Pong);
    drop(monitor);
    // All is settled, so this logger has forgotten the run; only then it would leave when done.
    let monitor = instance.connect();
    monitor.link().quit(false).unwrap();
    monitor.expect(&LoggerEvent::Gone);
    assert_eq!(ExitNote::read(&instance.layout, &run.attach.run), None);
}

#[test]
fn the_exit_is_noted_that_came_before_the_monitor_died() {
    let instance = Instance::new();
    let monitor = instance.connect();
    let mut run = instance.start("web", limits());
    let (mut child, identity) = program("read x; kill -15 $$");
    run.attach.identity = Some(identity);
    monitor.attach(&run);
    monitor.expect(&LoggerEvent::Attached { run: run.attach.run.clone() });
    drop(child.stdin.take());
    child.wait().unwrap();
    drop(monitor);
    eventually("the exit is noted", || ExitNote::read(&instance.layout, &run.attach.run).is_some());
    let note = ExitNote::read(&instance.layout, &run.attach.run).unwrap();
    assert_eq!(note.exit, Exit::Signal(15));
}

#[test]
fn a_logger_that_no_monitor_ever_connected_to_notes_exits() {
    let instance = Instance::new();
    let monitor = instance.connect();
    let mut run = instance.start("web", limits());
    let (mut child, identity) = program("read x; exit 3");
    run.attach.identity = Some(identity);
    monitor.attach(&run);
    monitor.expect(&LoggerEvent::Attached { run: run.attach.run.clone() });
    monitor.link().quit(true).unwrap();
    monitor.expect(&LoggerEvent::Gone);
    let program = instance.program();
    let mut logger = Command::new(program.program).args(program.args).stdout(Stdio::null()).spawn().unwrap();
    eventually("it listens", || instance.layout.logger_socket().exists());
    drop(child.stdin.take());
    child.wait().unwrap();
    eventually("the exit is noted", || ExitNote::read(&instance.layout, &run.attach.run).is_some());
    assert_eq!(ExitNote::read(&instance.layout, &run.attach.run).unwrap().exit, Exit::Code(3));
    logger.kill().unwrap();
    logger.wait().unwrap();
}

/// The run record of a program whose output is discarded, as a monitor leaves it.
fn record_discarded(instance: &Instance, run: &RunId, pid: u32) {
    let process = ProcessId::new("web").unwrap();
    let path = instance.layout.run_record(&process);
    let (boot, started_at) = (BootId::current().unwrap(), process_monitor_host::clock::wall());
    let intent = Intent { process, run: run.clone(), folder: None, boot, started_at, attempts: 0 };
    fs::create_dir_all(instance.layout.runs()).unwrap();
    drop(RunRecord::create(&path, &intent, &Stock::none()).unwrap());
    let line = fs::read(format!("/proc/{pid}/stat")).unwrap();
    fs::write(&path, [fs::read(&path).unwrap(), line].concat()).unwrap();
}

#[test]
fn the_exit_of_a_run_without_output_is_noted_while_no_monitor_is_there() {
    let instance = Instance::new();
    let (mut child, identity) = program("read x; exit 9");
    let run = RunId::new("discarded-1").unwrap();
    record_discarded(&instance, &run, identity.pid);
    let monitor = instance.connect();
    let logger = monitor.link().logger_pid();
    let holds = || {
        let line = format!("Pid:\t{}", identity.pid);
        let infos = fs::read_dir(format!("/proc/{logger}/fdinfo")).unwrap().flatten();
        infos.filter_map(|info| fs::read_to_string(info.path()).ok()).any(|text| text.contains(&line))
    };
    assert!(!holds(), "it is the monitor's affair");
    drop(monitor);
    eventually("it is watched", holds);
    let monitor = instance.connect();
    eventually("it is the monitor's affair again", || !holds());
    drop(monitor);
    eventually("it is watched again", holds);
    drop(child.stdin.take());
    child.wait().unwrap();
    eventually("the exit is noted", || ExitNote::read(&instance.layout, &run).is_some());
    assert_eq!(ExitNote::read(&instance.layout, &run).unwrap().exit, Exit::Code(9));
    assert!(!holds());
}
