//! What this executable is when a monitor starts it as a program.

use process_monitor_host::signals::{Signals, Told};
use std::io::Write;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

/// The first argument of every act.
pub const ACT: &str = "act";

/// Acts as the arguments say; `None` when they are those of a test run.
pub fn act(args: impl Iterator<Item = String>) -> Option<ExitCode> {
    let args: Vec<String> = args.collect();
    let [first, verb, ..] = args.as_slice() else { return None };
    if first != ACT {
        return None;
    }
    match verb.as_str() {
        "count" => count(),
        "obey" => obey(),
        other => panic!("no such act: {other}"),
    }
    Some(ExitCode::SUCCESS)
}

/// Counts, a line each few milliseconds, for longer than any test.
fn count() {
    for number in 0_u64.. {
        println!("line {number:07} of {}", std::process::id());
        std::io::stdout().flush().unwrap();
        thread::sleep(Duration::from_millis(5));
    }
}

/// Ends when it is asked to, and says so.
fn obey() {
    crate::runtime().block_on(async {
        let mut signals = Signals::take().unwrap();
        println!("waiting");
        while signals.next().await != Told::Stop {}
        println!("good bye");
    });
}
