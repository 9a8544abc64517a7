//! `autostart ID on|off`

use super::context::Context;
use super::failure::Failure;
use super::{console, value};
use clap::Args;
use process_monitor_core::id::ProcessId;
use serde_json::json;

/// Arguments of `autostart`.
#[derive(Debug, Args)]
pub struct AutostartArgs {
    /// The process
    id: ProcessId,
    /// Whether it starts with the monitor: on or off
    #[arg(value_name = "on|off", value_parser = value::switch, action = clap::ArgAction::Set)]
    autostart: bool,
}

pub async fn run(context: &Context, args: &AutostartArgs) -> Result<(), Failure> {
    context.client.set_autostart(&args.id, args.autostart).await?;
    if context.json {
        return console::print_json(&json!({ "success": true, "id": args.id, "autostart": args.autostart }));
    }
    let how = if args.autostart { "starts" } else { "does not start" };
    console::print(&format!("{}: {how} with the monitor\n", args.id))
}
