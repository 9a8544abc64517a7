//! Processes, as `list` and `status` show them.

use super::format::{self, NONE};
use super::style::{Style, Tone, state_tone};
use super::table::{Align, Cell, table};
use process_monitor_client::api::{HealthReport, ProcessStatus};
use process_monitor_core::exit::{ExitReason, LastExit};
use process_monitor_core::model::ProcessState;
use process_monitor_core::time::Wall;
use std::fmt::Write as _;
use std::time::Duration;

/// A line per process, then what a person should know about those that have trouble.
pub fn process_table(processes: &[ProcessStatus], style: Style) -> String {
    if processes.is_empty() {
        return "no processes; register one with: process_monitor run -- COMMAND ARGUMENTS…\n".to_owned();
    }
    let columns = [
        ("ID", Align::Left),
        ("STATE", Align::Left),
        ("PID", Align::Right),
        ("UPTIME", Align::Right),
        ("RESTARTS", Align::Right),
        ("CPU", Align::Right),
        ("MEMORY", Align::Right),
        ("EXIT", Align::Left),
    ];
    let rows: Vec<_> = processes.iter().map(row).collect();
    let mut text = table(columns, &rows, style);
    for (id, message) in processes.iter().filter_map(|p| p.message.as_ref().map(|message| (&p.id, message))) {
        // Infallible: it writes into memory.
        let _ =
            writeln!(text, "{}", style.paint(Tone::Warn, &format!("{id}: {}", format::printable(message))));
    }
    text
}

fn row(process: &ProcessStatus) -> [Cell; 8] {
    let state = match process.healthy {
        // While it starts, failed checks are what one expects.
        Some(false) if process.state == ProcessState::Running => {
            Cell::toned(format!("{} (unhealthy)", process.state), Tone::Bad)
        }
        _ => Cell::toned(process.state.name(), state_tone(process.state)),
    };
    [
        Cell::plain(process.id.as_str()),
        state,
        figure(process.pid.map(|pid| pid.to_string())),
        figure(process.uptime_ms.map(Duration::from_millis).map(format::duration)),
        Cell::plain(process.restart_attempts.to_string()),
        figure(process.cpu_percent.map(format::percent)),
        figure(process.memory_bytes.map(format::bytes)),
        exit_cell(process.last_exit.as_ref()),
    ]
}

fn figure(value: Option<String>) -> Cell {
    value.map_or_else(|| Cell::toned(NONE, Tone::Faint), Cell::plain)
}

fn exit_cell(last: Option<&LastExit>) -> Cell {
    match last {
        None => figure(None),
        Some(exit) if exit.code == Some(0) || exit.reason == ExitReason::Stopped => {
            Cell::plain(format::exit(exit))
        }
        Some(exit) => Cell::toned(format::exit(exit), Tone::Bad),
    }
}

/// Everything about one process, a line per fact. `now` gives times their distance.
pub fn process_details(process: &ProcessStatus, now: Wall, style: Style) -> String {
    let heading = format!(
        "{} {}",
        style.paint(Tone::Strong, process.id.as_str()),
        style.paint(state_tone(process.state), process.state.name())
    );
    let facts = facts(process, now);
    let width = facts.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    let mut text = heading + "\n";
    for (label, value) in facts {
        // Infallible: it writes into memory.
        let _ = writeln!(text, "  {label:>width$}: {}", format::printable(&value));
    }
    text
}

fn facts(process: &ProcessStatus, now: Wall) -> Vec<(&'static str, String)> {
    let words = process.command.iter().chain(&process.args).map(String::as_str);
    let ago = |time: Wall| format!("{time} ({} ago)", format::duration(now.since(time)));
    let health = process.health.as_ref();
    let facts = [
        ("Name", (process.name != process.id.as_str()).then(|| process.name.clone())),
        ("Message", process.message.clone()),
        ("Command", process.command.is_some().then(|| format::command_line(words))),
        ("Directory", process.working_directory.clone()),
        ("PID", process.pid.map(|pid| pid.to_string())),
        ("Uptime", process.uptime_ms.map(Duration::from_millis).map(format::duration)),
        ("CPU", process.cpu_percent.map(format::percent)),
        ("Memory", process.memory_bytes.map(format::bytes)),
        ("Says", health.and_then(|health| health.status_text.clone())),
        ("Healthy", process.healthy.map(|healthy| yes_no(healthy).to_owned())),
        ("Check", health.and_then(|health| health.target.clone())),
        ("Checks", health.filter(|health| health.target.is_some()).map(checks)),
        ("Last passed", health.and_then(|health| health.last_success).map(ago)),
        ("Last failed", health.and_then(|health| failure(health, ago))),
        ("Restarts", Some(process.restart_attempts.to_string())),
        ("Last exit", process.last_exit.as_ref().map(|exit| format!("{}, {}", describe(exit), ago(exit.at)))),
        ("Started", process.last_started_at.map(ago)),
        ("Stopped", process.last_stopped_at.map(ago)),
        ("Enabled", Some(yes_no(process.enabled).to_owned())),
        ("Autostart", Some(yes_no(process.autostart).to_owned())),
        ("Remote", process.is_remote.then(|| "yes".to_owned())),
        ("Output", (!process.output.is_captured()).then(|| "discarded".to_owned())),
        ("Logs", process.log_folder.clone()),
    ];
    facts.into_iter().filter_map(|(label, value)| value.map(|value| (label, value))).collect()
}

fn checks(health: &HealthReport) -> String {
    match health.consecutive_failures {
        0 => format!("{} passed, {} failed", health.passed, health.failed),
        n => format!("{} passed, {} failed, the last {n} in a row", health.passed, health.failed),
    }
}

fn failure(health: &HealthReport, ago: impl Fn(Wall) -> String) -> Option<String> {
    let reason = health.last_failure_reason.as_deref().unwrap_or("for no known reason");
    health.last_failure.map(|at| format!("{}: {reason}", ago(at)))
}

/// How a run ended, in a phrase.
fn describe(exit: &LastExit) -> String {
    let how = match (exit.code, exit.signal.as_deref()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("killed by {signal}"),
        (None, None) => "nobody knows how".to_owned(),
    };
    match exit.reason {
        ExitReason::StartFailed => "it could not be started".to_owned(),
        ExitReason::Stopped => format!("stopped on request ({how})"),
        ExitReason::Unhealthy => format!("its health check failed ({how})"),
        ExitReason::Exited | ExitReason::Signaled | ExitReason::Unknown => how,
    }
}

fn yes_no(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
