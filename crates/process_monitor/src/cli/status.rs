//! `status [ID…]`

use super::context::Context;
use super::failure::Failure;
use super::list::{self, note_source};
use super::{console, render};
use clap::Args;
use process_monitor_client::{Error, Source};
use process_monitor_core::id::ProcessId;
use process_monitor_host::clock;
use serde_json::json;

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The processes to show in detail; none: the monitor and a list of all
    #[arg(value_name = "ID")]
    ids: Vec<ProcessId>,
}

pub async fn run(context: &Context, args: &StatusArgs) -> Result<(), Failure> {
    match args.ids.as_slice() {
        [] => overview(context).await,
        ids => details(context, ids).await,
    }
}

async fn overview(context: &Context) -> Result<(), Failure> {
    let monitor = match context.client.monitor_status().await {
        Ok(status) => Some(status),
        Err(Error::NotRunning { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let (source, processes) = context.client.list().await?;
    if context.json {
        let answer = json!({ "monitor": monitor, "source": list::name(source), "processes": processes });
        return console::print_json(&answer);
    }
    if let Some(monitor) = monitor {
        console::print(&(render::monitor_status(&monitor) + "\n"))?;
    }
    list::print(context, source, &processes)
}

async fn details(context: &Context, ids: &[ProcessId]) -> Result<(), Failure> {
    let mut shown = Vec::new();
    let mut least = Source::Monitor;
    for id in ids {
        let (source, status) = context.client.status(id).await?;
        if source == Source::File {
            least = source;
        }
        shown.push(status);
    }
    if context.json {
        return match shown.as_slice() {
            [one] => console::print_json(one),
            several => console::print_json(&json!({ "processes": several })),
        };
    }
    note_source(context, least);
    let now = clock::wall();
    let texts: Vec<_> =
        shown.iter().map(|status| render::process_details(status, now, context.style)).collect();
    console::print(&texts.join("\n"))
}
