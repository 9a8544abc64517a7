//! `logger`: the process that copies output to log files. The monitor starts it.

use super::context::Context;
use super::failure::Failure;
use process_monitor_host::output::logger;
use process_monitor_host::signals;

pub fn run(context: &Context) -> Result<(), Failure> {
    // Who ends everything, as a system does that goes down, ends those who print as well: it stays until nobody does.
    signals::leave_to_another();
    logger::run(context.layout()?.clone()).map_err(|error| Failure::failed(error.to_string()))
}
