//! `--stop`: everything it manages, and then the monitor.

use crate::cli::console;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use process_monitor_host::process::{Identity, Process};
use serde_json::json;
use std::io;

pub async fn run(context: &Context) -> Result<(), Failure> {
    let status = context.client.monitor_status().await?;
    let pid = status.pid;
    // Before it is asked: afterwards the pid may be another's.
    let monitor = hold(pid).map_err(|error| unknown_end(context, pid, &error))?;
    context.client.stop_monitor().await?;
    if let Some(monitor) = monitor {
        let waiting = tokio::task::spawn_blocking(move || monitor.wait(None));
        let ended = waiting.await.unwrap_or_else(|panicked| Err(io::Error::other(panicked)));
        ended.map_err(|error| unknown_end(context, pid, &error))?;
    }
    match context.json {
        true => console::print_json(&json!({ "success": true, "pid": pid })),
        false => console::print(&format!("The monitor (pid {pid}) and everything it managed is stopped.\n")),
    }
}

fn hold(pid: u32) -> io::Result<Option<Process>> {
    match Identity::of(pid)? {
        Some(identity) => Process::adopt(&identity),
        None => Ok(None),
    }
}

fn unknown_end(context: &Context, pid: u32, error: &io::Error) -> Failure {
    Failure::failed(format!("cannot wait for the end of the monitor (pid {pid}): {error}"))
        .advise(format!("see whether it runs with: {} --status", context.invocation))
}
