//! `completions SHELL`

use super::args::Arguments;
use super::context::Program;
use super::{console, failure::Failure};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell to complete in, like: process_monitor completions bash >
    /// ~/.local/share/bash-completion/completions/process_monitor
    shell: Shell,
}

pub fn run(args: &CompletionsArgs, program: Program) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Arguments::command(), program.name(), &mut script);
    console::print(&String::from_utf8_lossy(&script))
}
