//! `--foreground`, and the hidden `daemon` that a background start begins: being the monitor.

use crate::cli::console;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::daemon::{self, DaemonError, Options};
use process_monitor_core::partner::RESTART_CODE;
use process_monitor_host::service_manager::supervised;

/// Is the monitor until it is stopped. `foreground`: a person watches.
pub fn run(context: &Context, foreground: bool) -> Result<(), Failure> {
    let options = options(context, foreground)?;
    let ended = match foreground {
        true => supervised(move || daemon::run(&options), code),
        false => daemon::run(&options),
    };
    match ended {
        // What was wanted is there, or is to be away: no reason for a service manager to try again.
        Err(error) if error.is_redundant() => console::print(&format!("{error}\n")),
        Ok(0) => Ok(()),
        Ok(code) => Err(Failure::Ended(code)),
        Err(error) => Err(failure(context, &error)),
    }
}

/// With which code a service ends, for managers that do not see the exit code of its process.
fn code(ended: &Result<u8, DaemonError>) -> u32 {
    match ended {
        Ok(code) => (*code).into(),
        Err(error) if error.is_redundant() => 0,
        Err(_) => RESTART_CODE.unsigned_abs(),
    }
}

/// What the command line says about the monitor.
///
/// # Errors
/// When the monitor is one elsewhere.
pub fn options(context: &Context, foreground: bool) -> Result<Options, Failure> {
    let layout = context.layout()?;
    Ok(Options {
        directory: layout.directory().to_owned(),
        instance: layout.instance().clone(),
        foreground,
        standalone: context.flags.standalone,
        log: context.flags.log.clone(),
        exit_with: context.flags.exit_with.clone(),
        aliveness_port: context.flags.aliveness_port,
        api_port: context.flags.api_port,
        watcher_pid: context.flags.watcher_pid,
        unless_stopped: context.flags.unless_stopped,
    })
}

fn failure(context: &Context, error: &DaemonError) -> Failure {
    if let DaemonError::NotExecuted { .. } = error {
        let advice = format!("if nobody does that for you, start it again with: {}", context.invocation);
        return Failure::restart(error.to_string()).advise(advice);
    }
    let advice = match error {
        DaemonError::Registry(_) => "correct the file (it was left as it is), then start again".to_owned(),
        _ => format!("find out more with: {} doctor", context.invocation),
    };
    Failure::failed(error.to_string()).advise(advice)
}
