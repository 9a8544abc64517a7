//! `--foreground`, and the hidden `daemon` that a background start begins: being the monitor.

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::daemon::{self, DaemonError, Options};

/// Is the monitor until it is stopped. `foreground`: a person watches.
pub fn run(context: &Context, foreground: bool) -> Result<(), Failure> {
    let layout = context.layout()?;
    let options = Options {
        directory: layout.directory().to_owned(),
        instance: layout.instance().clone(),
        foreground,
        standalone: context.flags.standalone,
        log: context.flags.log.clone(),
        aliveness_port: context.flags.aliveness_port,
        api_port: context.flags.api_port,
    };
    daemon::run(&options).map_err(|error| failure(context, &error))
}

fn failure(context: &Context, error: &DaemonError) -> Failure {
    let advice = match error {
        DaemonError::Instance(_) => format!("see how it is with: {} --status", context.invocation),
        DaemonError::Registry(_) => "correct the file (it was left as it is), then start again".to_owned(),
        _ => format!("find out more with: {} doctor", context.invocation),
    };
    Failure::failed(error.to_string()).advise(advice)
}
