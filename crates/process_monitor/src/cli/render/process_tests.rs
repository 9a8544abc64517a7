use super::*;
use process_monitor_core::exit::Exit;
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::{ProcessEntry, ProcessState};

fn at(text: &str) -> Wall {
    Wall::parse(text).unwrap()
}

fn status(id: &str, state: ProcessState) -> ProcessStatus {
    let entry = ProcessEntry::new(ProcessId::new(id).unwrap(), "/usr/bin/python3");
    ProcessStatus { state, ..ProcessStatus::of_entry(&entry) }
}

fn running() -> ProcessStatus {
    ProcessStatus {
        pid: Some(12345),
        args: vec!["-m".into(), "http.server".into(), "two words".into()],
        working_directory: Some("/srv/web".into()),
        uptime_ms: Some(312_000),
        cpu_percent: Some(1.25),
        memory_bytes: Some(12 << 20),
        restart_attempts: 2,
        last_started_at: Some(at("2026-01-24T10:30:00Z")),
        last_exit: Some(LastExit::new(Exit::Signal(9), at("2026-01-24T10:29:59Z"), ExitReason::Signaled)),
        log_folder: Some("/var/pm/default_logs/web".into()),
        ..status("web", ProcessState::Running)
    }
}

fn failed() -> ProcessStatus {
    ProcessStatus {
        message: Some("/opt/x/run: permission denied".into()),
        last_exit: Some(LastExit::new(Exit::Unknown, at("2026-01-24T10:00:00Z"), ExitReason::StartFailed)),
        ..status("importer", ProcessState::Failed)
    }
}

#[test]
fn a_list() {
    let unhealthy = ProcessStatus { healthy: Some(false), ..status("api", ProcessState::Running) };
    let list = [running(), failed(), unhealthy, status("nightly", ProcessState::Disabled)];
    insta::assert_snapshot!(process_table(&list, Style::Plain));
}

#[test]
fn an_empty_list_says_what_to_do() {
    assert!(process_table(&[], Style::Plain).contains("process_monitor run"));
}

#[test]
fn a_coloured_list() {
    let text = process_table(&[running(), failed()], Style::Colour);
    assert!(text.contains("\x1b[32mrunning\x1b[0m") && text.contains("\x1b[31mfailed\x1b[0m"), "{text:?}");
}

#[test]
fn the_details_of_a_process() {
    insta::assert_snapshot!(process_details(&running(), at("2026-01-24T10:35:12Z"), Style::Plain));
}

#[test]
fn the_details_of_a_process_that_did_not_start() {
    insta::assert_snapshot!(process_details(&failed(), at("2026-01-24T10:35:12Z"), Style::Plain));
}

#[test]
fn nothing_of_a_process_reaches_the_terminal_as_an_escape_sequence() {
    let evil = ProcessStatus { message: Some("\x1b]0;title\x07".into()), ..running() };
    assert!(!process_table(std::slice::from_ref(&evil), Style::Plain).contains('\x1b'));
    assert!(!process_details(&evil, Wall::default(), Style::Plain).contains('\x1b'));
}
