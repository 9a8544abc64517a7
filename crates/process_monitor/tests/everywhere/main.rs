//! The whole program as a user has it, on every system: by its command line and its API, with real programs, kills of both.
//!
//! The programs that it manages are this very executable, which is what it is told by its arguments ([`actor`]): so no test
//! needs a tool that only one system has. What is particular to Linux is tested by `e2e`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a panic is how a test fails

mod actor;
mod api;
mod kept_alive;
mod output;
mod pair;
mod service;
mod stopping;
mod world;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;
use tokio::runtime::{Builder, Runtime};

/// What async code runs in.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A test and its name.
type Test = (&'static str, fn());

fn main() -> ExitCode {
    if let Some(code) = actor::act(std::env::args().skip(1)) {
        return code;
    }
    let tests: &[&[Test]] =
        &[api::TESTS, kept_alive::TESTS, output::TESTS, pair::TESTS, service::TESTS, stopping::TESTS];
    let trials = tests.iter().copied().flatten().map(|(name, test)| {
        let test = *test;
        Trial::test(*name, move || std::panic::catch_unwind(test).map_err(|_| "it panicked".into()))
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}
