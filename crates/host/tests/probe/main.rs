//! Probes of real servers and programs, the good ones and the others.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)] // helpers of tests

mod exec;
mod http;
mod server;
mod tcp;

use process_monitor_host::probe::{ProbeError, ProbeRequest, Prober, Target};
use process_monitor_host::process::tree::Reaper;
use std::sync::{Arc, LazyLock, mpsc};
use std::time::Duration;

/// Longer than anything takes here that is not meant to time out.
const PATIENCE: Duration = Duration::from_secs(20);

/// One for all tests, as in a monitor.
static PROBER: LazyLock<Prober> =
    LazyLock::new(|| Prober::start(Arc::new(Reaper::become_subreaper().unwrap())).unwrap());

fn ask_within(target: Target, timeout: Duration) -> Result<(), ProbeError> {
    let (sender, answers) = mpsc::channel();
    PROBER.probe(ProbeRequest { target, timeout }, move |answer| sender.send(answer).unwrap());
    let answer = answers.recv_timeout(timeout + PATIENCE).expect("it is answered");
    assert!(answers.recv().is_err(), "it is answered once");
    answer
}

fn ask(target: Target) -> Result<(), ProbeError> {
    ask_within(target, PATIENCE)
}

fn reason(target: Target) -> String {
    ask(target).unwrap_err().to_string()
}

fn get(url: impl Into<String>) -> Target {
    Target::Http { url: url.into(), success_codes: None, verify_tls: true }
}

#[test]
fn a_prober_that_ends_answers_what_is_open() {
    let prober = Prober::start(Arc::new(Reaper::become_subreaper().unwrap())).unwrap();
    let silent = server::silent();
    let (sender, answers) = mpsc::channel();
    prober.probe(ProbeRequest { target: get(silent.url("/")), timeout: PATIENCE }, move |answer| {
        sender.send(answer).unwrap();
    });
    silent.wait_for_connections(1);
    drop(prober);
    assert!(matches!(answers.recv_timeout(PATIENCE).unwrap(), Err(ProbeError::Stopped)));
}

#[test]
fn what_hangs_delays_nobody() {
    let (silent, well) = (server::silent(), server::answering("200 OK", "OK"));
    let (sender, answers) = mpsc::channel();
    let timeout = Duration::from_secs(8);
    for n in 0..300 {
        let sender = sender.clone();
        // Names that hang, or do not, take no thread each.
        let url = if n % 2 == 0 { silent.url("/") } else { "http://no-such-host.invalid/".to_owned() };
        PROBER.probe(ProbeRequest { target: get(url), timeout }, move |answer| sender.send(answer).unwrap());
    }
    // Before any of them has timed out.
    ask_within(get(well.url("/")), Duration::from_secs(6)).unwrap();
    let names = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = names.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    let threads = names.filter(|name| name.starts_with("probes")).count();
    assert!((1..40).contains(&threads), "{threads} threads");
    for _ in 0..300 {
        answers.recv_timeout(PATIENCE).unwrap().unwrap_err();
    }
}
