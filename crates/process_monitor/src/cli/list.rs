//! `list`

use super::context::Context;
use super::failure::Failure;
use super::{console, render};
use clap::Args;
use process_monitor_client::Source;
use process_monitor_client::api::ProcessStatus;
use process_monitor_core::model::ProcessState;
use serde_json::json;

/// Arguments of `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only processes in this state (may be repeated)
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Vec<ProcessState>,
}

fn state(text: &str) -> Result<ProcessState, String> {
    serde_json::from_value(json!(text.to_ascii_lowercase())).map_err(|_| {
        "use stopped, starting, running, stopping, crashed, retrying, failed or disabled".to_owned()
    })
}

pub async fn run(context: &Context, args: &ListArgs) -> Result<(), Failure> {
    let (source, mut processes) = context.client.list().await?;
    processes.retain(|process| args.state.is_empty() || args.state.contains(&process.state));
    print(context, source, &processes)
}

/// Prints processes as a table, or in JSON.
pub fn print(context: &Context, source: Source, processes: &[ProcessStatus]) -> Result<(), Failure> {
    if context.json {
        return console::print_json(&json!({ "source": name(source), "processes": processes }));
    }
    note_source(context, source);
    console::print(&render::process_table(processes, context.style))
}

/// Says so when what is shown is not what is.
pub fn note_source(context: &Context, source: Source) {
    if source == Source::File {
        console::note(&format!(
            "the monitor is not running; this is what the registry last knew (start it with: {})",
            context.invocation
        ));
    }
}

/// Says so when what was changed is not in effect yet.
pub fn note_effect(context: &Context, source: Source) {
    if source == Source::File && !context.json {
        console::note("the monitor is not running; this is in effect when it starts");
    }
}

/// The source's name in JSON.
pub fn name(source: Source) -> &'static str {
    match source {
        Source::Monitor => "monitor",
        Source::File => "file",
    }
}
