//! What the process layer promises, the same on every system: one suite, run wherever there is one to run it on.
//!
//! The programs that are started, the monitors that are killed and the helper that asks to end are this very executable, which
//! is what it is told by its arguments ([`actor`]): so no test needs a tool that only one system has.
//!
//! `PM_CONTRACT_SPAWNS` says how many programs are started to look for what leaks, if not as many as are bearable each time
//! (10000 for the whole promise).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a panic is how a test fails

mod actor;
mod exits;
mod moments;
mod platform;
mod spawning;
mod stage;
mod stopping;
mod takeover;
mod trees;

use libtest_mimic::{Arguments, Trial};
use process_monitor_host::process::tree::Reaper;
use std::process::ExitCode;
use std::thread;

fn main() -> ExitCode {
    if let Some(code) = actor::act(std::env::args_os().skip(1)) {
        return code;
    }
    process_monitor_host::failpoint::arm();
    // As a monitor does, before anything is started.
    let reaper = Reaper::become_subreaper().unwrap();
    let tests: &[&[stage::Test]] = &[
        spawning::TESTS,
        exits::TESTS,
        trees::TESTS,
        stopping::TESTS,
        takeover::TESTS,
        #[cfg(feature = "failpoints")]
        moments::TESTS,
    ];
    let trials = tests.iter().copied().flatten().map(|(name, test)| {
        let test = *test;
        Trial::test(*name, move || {
            // Programs are not started by the main thread, whose children are the orphans.
            thread::spawn(test).join().map_err(|_| "it panicked".into())
        })
    });
    let outcome = libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code();
    #[allow(clippy::drop_non_drop)] // not on every system is there something to end
    drop(reaper);
    outcome
}
