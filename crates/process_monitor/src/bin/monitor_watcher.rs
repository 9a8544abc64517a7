//! The program `monitor_watcher`: the same as `process_monitor`, for the instance `watcher`.

use process_monitor::cli::{self, Program};
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main(Program::Watcher)
}
