//! The flags about the monitor itself. Without any it is started in the background.

pub mod background;
pub mod foreground;
mod restart;
mod status;
mod stop;

use super::context::Context;
use super::failure::Failure;

/// Does what the flags say.
pub fn run(context: &Context) -> Result<(), Failure> {
    let flags = &context.flags;
    match (flags.foreground, flags.stop, flags.status, flags.restart) {
        (true, ..) => foreground::run(context, true),
        (_, true, ..) => context.block_on(stop::run(context)),
        (_, _, true, _) => context.block_on(status::run(context)),
        (_, _, _, true) => context.block_on(restart::run(context)),
        // In a container there is nothing behind us: when process 1 ends, everything does.
        _ if std::process::id() == 1 => foreground::run(context, true),
        _ => context.block_on(background::run(context)),
    }
}
