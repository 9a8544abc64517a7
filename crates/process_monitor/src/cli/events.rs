//! `events [ID…]`

use super::console;
use super::context::Context;
use super::failure::Failure;
use super::render::event_line;
use clap::Args;
use process_monitor_client::Error;
use process_monitor_client::api::{EventKind, ProcessEvent};
use process_monitor_core::id::ProcessId;

/// Arguments of `events`.
#[derive(Debug, Args)]
pub struct EventsArgs {
    /// Only what happens to these [default: all]
    #[arg(value_name = "ID")]
    ids: Vec<ProcessId>,
    /// Begin after this event
    #[arg(long, value_name = "ID")]
    after: Option<String>,
}

/// Goes on until it is ended, also across restarts of the monitor.
pub async fn run(context: &Context, args: EventsArgs) -> Result<(), Failure> {
    let mut stream = context.client.events(args.after).await?;
    loop {
        match stream.next().await {
            Ok(Some(event)) => {
                let wanted =
                    event.process.as_ref().is_none_or(|id| args.ids.is_empty() || args.ids.contains(id));
                if wanted {
                    show(context, &event)?;
                }
            }
            Ok(None) | Err(Error::Interrupted { .. }) => {
                console::note("the monitor has gone; waiting for it to come back");
                stream.resume().await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn show(context: &Context, event: &ProcessEvent) -> Result<(), Failure> {
    if context.json {
        let mut line = serde_json::to_string(event)
            .map_err(|error| Failure::failed(format!("cannot write an event as JSON: {error}")))?;
        line.push('\n');
        return console::print(&line);
    }
    if event.kind == EventKind::Missed {
        console::note("some events are missing here");
        return Ok(());
    }
    console::print(&event_line(event, context.style))
}
