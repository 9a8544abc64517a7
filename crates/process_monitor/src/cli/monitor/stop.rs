//! `--stop`: everything it manages, and then the monitor.

use crate::cli::console;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use process_monitor_client::api::MonitorStatus;
use process_monitor_core::exit::Exit;
use process_monitor_host::layout::Layout;
use process_monitor_host::process::{Identity, Process};
use serde_json::json;
use std::io;

pub async fn run(context: &Context) -> Result<(), Failure> {
    let status = context.client.monitor_status().await?;
    let pid = status.pid;
    let Ok(layout) = context.layout() else { return elsewhere(context, &status).await };
    // Before it is asked: afterwards the pid may be another's.
    let monitor = hold(pid).map_err(|error| unknown_end(context, pid, &error))?;
    context.client.stop_monitor().await?;
    if let Some(monitor) = monitor {
        let waiting = tokio::task::spawn_blocking(move || end_of(&monitor));
        let ended = waiting.await.unwrap_or_else(|panicked| Err(io::Error::other(panicked)));
        let exit = ended.map_err(|error| unknown_end(context, pid, &error))?;
        if was_cut_off(layout, exit) {
            return Err(cut_off(context, pid, exit));
        }
    }
    match context.json {
        true => console::print_json(&json!({ "success": true, "pid": pid })),
        false => console::print(&format!("The monitor (pid {pid}) and everything it managed is stopped.\n")),
    }
}

/// Of a monitor on another machine no more can be seen than that it answers.
async fn elsewhere(context: &Context, status: &MonitorStatus) -> Result<(), Failure> {
    let pid = status.pid;
    context.client.stop_monitor().await?;
    context.client.monitor_gone(status).await;
    match context.json {
        true => console::print_json(&json!({ "success": true, "pid": pid })),
        false => console::print(&format!(
            "The monitor (pid {pid}) was told to stop, and does not answer any more.\n"
        )),
    }
}

fn hold(pid: u32) -> io::Result<Option<Process>> {
    match Identity::of(pid)? {
        Some(identity) => Process::adopt(&identity),
        None => Ok(None),
    }
}

fn end_of(monitor: &Process) -> io::Result<Exit> {
    monitor.wait(None)?;
    Ok(monitor.try_exit()?.unwrap_or(Exit::Unknown))
}

/// Whether the monitor ended before all that it managed had. Where its exit cannot be told, the file
/// that a clean end removes tells.
fn was_cut_off(layout: &Layout, exit: Exit) -> bool {
    match exit {
        Exit::Code(code) => code != 0,
        Exit::Signal(_) => true,
        Exit::Unknown => layout.monitor_info().exists(),
    }
}

fn cut_off(context: &Context, pid: u32, exit: Exit) -> Failure {
    Failure::failed(format!(
        "the monitor (pid {pid}) ended with {exit} before everything was stopped; what it managed may still run"
    ))
    .advise(format!("start it again and stop it then: {0}; {0} --stop", context.invocation))
}

fn unknown_end(context: &Context, pid: u32, error: &io::Error) -> Failure {
    Failure::failed(format!("cannot wait for the end of the monitor (pid {pid}): {error}"))
        .advise(format!("see whether it runs with: {} --status", context.invocation))
}
