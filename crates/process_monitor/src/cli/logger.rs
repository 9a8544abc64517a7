//! `logger`: the process that copies output to log files. The monitor starts it.

use super::context::Context;
use super::failure::Failure;
use process_monitor_host::output::logger;

pub fn run(context: &Context) -> Result<(), Failure> {
    logger::run(context.layout()?.clone()).map_err(|error| Failure::failed(error.to_string()))
}
