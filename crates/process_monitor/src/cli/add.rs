//! `add -- COMMAND…`

use super::console;
use super::context::Context;
use super::failure::Failure;
use super::register::{self, Registration};
use super::render::format;
use clap::Args;
use process_monitor_client::Source;
use process_monitor_client::api::Wait;
use serde_json::json;

/// Arguments of `add`.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Start it now; the monitor must be running
    #[arg(long, conflicts_with = "disabled")]
    start: bool,
    /// Refuse to start it until it is enabled
    #[arg(long)]
    disabled: bool,
    #[command(flatten)]
    registration: Registration,
}

pub async fn run(context: &Context, args: AddArgs) -> Result<(), Failure> {
    if args.start {
        // Before anything is registered: half a success would be hard to repeat.
        context.client.monitor_status().await?;
    }
    let (id, source) = register::register(context, &args.registration, args.disabled).await?;
    let state = match args.start {
        true => Some(context.client.start(&id, Wait::Ready).await?),
        false => None,
    };
    if context.json {
        return console::print_json(&json!({ "success": true, "id": id, "state": state }));
    }
    let next = match (state, source) {
        (Some(state), _) => format!("it is {state}"),
        (None, _) if args.disabled => format!("allow it to start with: {} enable {id}", context.invocation),
        (None, Source::Monitor) => format!("start it with: {} start {id}", context.invocation),
        (None, Source::File) => format!("start the monitor with: {}", context.invocation),
    };
    // As it was understood: what stands behind the command is the command's, also what looks like an option of ours.
    let line = format::command_line(args.registration.command.iter().map(String::as_str));
    console::print(&format!("{id}: registered: {line}\n  {next}\n"))
}
