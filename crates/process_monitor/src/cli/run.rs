//! `run -- COMMAND…`

use super::console;
use super::context::Context;
use super::failure::{Failure, Report};
use super::monitor::background::{self, Background};
use super::progress;
use super::register::{self, Registration};
use super::render::format;
use clap::Args;
use process_monitor_client::Error;
use process_monitor_client::api::{ProcessStatus, Wait};
use process_monitor_core::id::ProcessId;
use serde_json::json;

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    registration: Registration,
}

pub async fn run(context: &Context, args: RunArgs) -> Result<(), Failure> {
    let monitor = background::ensure(context).await?;
    let (id, _) = register::register(context, &args.registration, false).await?;
    let started = progress::watch(
        &context.client,
        Some(std::slice::from_ref(&id)),
        context.client.start(&id, Wait::Ready),
    )
    .await;
    started.map_err(|error| not_started(context, &id, &error))?;
    let (_, process) = context.client.status(&id).await?;
    if context.json {
        return console::print_json(
            &json!({ "success": true, "monitorPid": monitor.pid(), "process": process }),
        );
    }
    console::print(&report(&process, &monitor, &context.invocation))
}

/// That it was registered nevertheless.
fn not_started(context: &Context, id: &ProcessId, error: &Error) -> Failure {
    let invocation = &context.invocation;
    let advice = format!(
        "it is registered, and retried as its restart policy says\n\
         {}\n\
         forget it with: {invocation} remove {id}",
        error.advice(invocation)
    );
    Failure::Told(Report { advice: Some(advice), ..Report::of(error, invocation) })
}

/// What was done, and what to try next.
fn report(process: &ProcessStatus, monitor: &Background, invocation: &str) -> String {
    let id = &process.id;
    let words = process.command.iter().chain(&process.args).map(String::as_str);
    let pid = process.pid.map_or_else(String::new, |pid| format!(" with pid {pid}"));
    let mut text = format!("{id}: {}{pid}: {}\n", process.state, format::command_line(words));
    if let Background::Started { pid } = monitor {
        text += &format!("The monitor was started in the background with pid {pid}.\n");
    }
    let mut next = vec![(format!("{invocation} list"), "see how it is".to_owned())];
    if process.output.is_captured() {
        next.push((format!("{invocation} logs {id} -f"), "see what it prints".to_owned()));
    }
    if let Some(pid) = process.pid {
        next.push((format!("kill -9 {pid}"), "kill it, and watch it come back in the list".to_owned()));
    }
    next.extend([
        (format!("kill -9 {}", monitor.pid()), "kill the monitor: what it manages runs on".to_owned()),
        (invocation.to_owned(), "start the monitor again: it takes over what runs".to_owned()),
        (format!("{invocation} stop {id}"), "stop it".to_owned()),
        (format!("{invocation} remove {id}"), "stop and forget it".to_owned()),
    ]);
    let width = next.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
    text += "\nWhat to try next:\n";
    for (command, what) in next {
        text += &format!("  {command:width$}   {what}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use process_monitor_core::model::{ProcessEntry, ProcessState};

    #[test]
    fn what_run_says() {
        let mut entry = ProcessEntry::new(ProcessId::new("web").unwrap(), "python3");
        entry.args = ["-m", "http.server", "8000"].map(str::to_owned).into();
        (entry.pid, entry.state) = (Some(4242), ProcessState::Running);
        let monitor = Background::Started { pid: 4241 };
        insta::assert_snapshot!(report(&ProcessStatus::of_entry(&entry), &monitor, "process_monitor"));
    }
}
