//! `signal ID SIGNAL`

use super::console;
use super::context::Context;
use super::failure::Failure;
use clap::Args;
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::StopSignal;
use serde_json::json;

/// Arguments of `signal`.
#[derive(Debug, Args)]
pub struct SignalArgs {
    /// To which process
    #[arg(value_name = "ID")]
    id: ProcessId,
    /// Which signal, like SIGHUP
    #[arg(value_name = "SIGNAL")]
    signal: StopSignal,
    /// To its whole group
    #[arg(short, long)]
    group: bool,
}

pub async fn run(context: &Context, args: &SignalArgs) -> Result<(), Failure> {
    let SignalArgs { id, signal, group } = args;
    let state = context.client.signal(id, *signal, *group).await?;
    match context.json {
        true => console::print_json(&json!({ "success": true, "id": id, "state": state })),
        false => console::print(&format!("{id}: {signal} was sent, it is {state}\n")),
    }
}
