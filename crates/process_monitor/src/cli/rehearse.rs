//! `rehearse`: the part of a rehearsal that the new executable plays (`host::handover`). The monitor that runs starts it.

use super::args::{Arguments, MonitorFlags};
use super::context::{Context, Program};
use super::failure::{Code, Failure};
use super::monitor::foreground;
use super::{args, console};
use crate::daemon;
use clap::{Args, CommandFactory, FromArgMatches};
use process_monitor_host::handover::{Rehearsed, started_by_process_one};
use std::ffi::OsString;

/// Arguments of `rehearse`.
#[derive(Debug, Args)]
pub struct RehearseArgs {
    /// With which the monitor would be started
    #[arg(last = true)]
    words: Vec<OsString>,
}

/// Says in one line of JSON whether a monitor could go on with these arguments.
pub fn run(args: &RehearseArgs, program: Program) -> Result<(), Failure> {
    let result = rehearse(args, program);
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let said = match &result {
        Ok(()) => Rehearsed::Ready { version },
        Err(why) => Rehearsed::Failed(why.clone()),
    };
    let line = serde_json::to_string(&said).map_err(|error| Failure::failed(error.to_string()))?;
    console::print(&format!("{line}\n"))?;
    result.map_err(|_| Failure::Silent(Code::Failed))
}

fn rehearse(args: &RehearseArgs, program: Program) -> Result<(), String> {
    let words = std::iter::once(OsString::from(program.name())).chain(args.words.iter().cloned());
    let matches = Arguments::command().try_get_matches_from(words).map_err(|error| error.to_string())?;
    let arguments = Arguments::from_arg_matches(&matches).map_err(|error| error.to_string())?;
    let foreground = match &arguments.command {
        None => arguments.monitor.foreground || is_process_one(&arguments.monitor),
        Some(_) => false,
    };
    if !foreground && !matches!(arguments.command, Some(args::Command::Daemon)) {
        return Err("these are not the arguments of a monitor".to_owned());
    }
    let in_words =
        |failure: Failure| failure.report(program.name()).map(|report| report.message).unwrap_or_default();
    let context =
        Context::new(arguments.target, arguments.monitor, program, program.name()).map_err(in_words)?;
    let options = foreground::options(&context, foreground).map_err(in_words)?;
    daemon::rehearse(&options).map_err(|error| error.to_string())
}

/// As process 1, which then has started us, it is the monitor without being told to.
fn is_process_one(flags: &MonitorFlags) -> bool {
    flags.given().is_none() && started_by_process_one()
}
