//! The program `process_monitor`.

use process_monitor::cli::{self, Program};
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main(Program::Monitor)
}
