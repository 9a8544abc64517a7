//! No flag: starting the monitor in the background.

use crate::cli::console;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::monitor::foreground;
use process_monitor_client::Error;
use process_monitor_host::background::{StartError, start_background};
use process_monitor_host::layout::Layout;
use serde_json::json;
use std::ffi::OsString;

/// A monitor that runs in the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Background {
    /// It ran already.
    Found {
        /// Its process id.
        pid: u32,
    },
    /// It was started, and is ready.
    Started {
        /// Its process id.
        pid: u32,
    },
}

impl Background {
    /// The monitor's process id.
    pub fn pid(self) -> u32 {
        match self {
            Self::Found { pid } | Self::Started { pid } => pid,
        }
    }
}

/// Starts the monitor, and says so.
pub async fn run(context: &Context) -> Result<(), Failure> {
    let layout = context.layout()?;
    let monitor = ensure(context).await?;
    let started = matches!(monitor, Background::Started { .. });
    if context.json {
        return console::print_json(&json!({ "success": true, "started": started, "pid": monitor.pid() }));
    }
    console::print(&report(context, layout, monitor))
}

fn report(context: &Context, layout: &Layout, monitor: Background) -> String {
    let instance = layout.instance();
    let directory = layout.directory().display();
    let invocation = &context.invocation;
    match monitor {
        Background::Found { pid } => format!(
            "The monitor is already running with pid {pid} (instance {instance}, directory {directory}).\n"
        ),
        Background::Started { pid } => format!(
            "The monitor was started in the background with pid {pid} (instance {instance}, directory {directory}).\n\
             \n\
             What to try next:\n  \
             {invocation} run -- COMMAND ARGUMENTS…\n  \
             {invocation} list\n  \
             {invocation} --stop\n"
        ),
    }
}

/// Makes sure that a monitor runs. One elsewhere cannot be started from here.
pub async fn ensure(context: &Context) -> Result<Background, Failure> {
    match context.client.monitor_status().await {
        Ok(status) => Ok(Background::Found { pid: status.pid }),
        // One that dies while it is asked does not run either; the instance's lock keeps the start safe.
        Err(Error::NotRunning { .. } | Error::Interrupted { .. }) if context.client.layout().is_some() => {
            start(context).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn start(context: &Context) -> Result<Background, Failure> {
    let failed = |why: String| {
        Failure::failed(format!("the monitor did not start: {why}")).advise(format!(
            "find out more with: {} doctor, or start it with --foreground",
            context.invocation
        ))
    };
    let executable = process_monitor_host::program::own()
        .map_err(|error| failed(format!("cannot tell where this program's own file is: {error}")))?;
    let arguments = arguments(context)?;
    let starting = tokio::task::spawn_blocking(move || start_background(&executable, &arguments, None));
    match starting.await {
        Ok(Ok(ready)) => Ok(Background::Started { pid: ready.pid }),
        Ok(Err(error)) => lost_race_or(context, &error).await.ok_or_else(|| failed(error.to_string())),
        Err(panicked) => Err(failed(panicked.to_string())),
    }
}

/// The words that make a process the monitor of this context.
fn arguments(context: &Context) -> Result<Vec<OsString>, Failure> {
    let mut words = Vec::new();
    if let Some(pid) = context.flags.watcher_pid {
        words.extend(["--watcher-pid".into(), pid.to_string().into()]);
    }
    words.extend(foreground::options(context, false)?.words());
    Ok(words)
}

/// Two starts at the same moment: one of them finds the instance taken, which is what both wanted.
async fn lost_race_or(context: &Context, error: &StartError) -> Option<Background> {
    match (error, context.client.monitor_status().await) {
        (StartError::Failed(_), Ok(status)) => Some(Background::Found { pid: status.pid }),
        _ => None,
    }
}
