//! `--restart`: a fresh monitor, while what it manages runs on.

use crate::cli::console;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use process_monitor_client::Restarted;
use process_monitor_host::handover::IN_PLACE;
use serde_json::json;

pub async fn run(context: &Context) -> Result<(), Failure> {
    let restarted = context.client.restart_monitor().await?;
    let Restarted { before, now } = &restarted;
    match context.json {
        true => console::print_json(&json!({
            "success": true, "pid": now.pid, "startedAt": now.started_at, "version": now.version,
            "previousPid": before.pid, "previousVersion": before.version, "inPlace": restarted.in_place(),
        })),
        false => console::print(&told(&restarted)),
    }
}

fn told(restarted: &Restarted) -> String {
    let Restarted { before, now } = restarted;
    let version = now.version.as_deref().unwrap_or("unknown");
    let process = match restarted.in_place() {
        true => format!("in the same process (pid {})", now.pid),
        false if !IN_PLACE => format!("with pid {}, to which pid {} has handed over", now.pid, before.pid),
        false => format!(
            "with pid {}, because the one that followed pid {} died at once; its log says why (doctor)",
            now.pid, before.pid
        ),
    };
    format!(
        "The monitor was restarted: version {version} serves since {}, {process}.\nIts processes ran on.\n",
        now.started_at
    )
}
