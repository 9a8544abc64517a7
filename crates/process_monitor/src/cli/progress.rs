//! What a person sees who waits for a start: nothing for a moment, then what it waits for.

use super::render::format;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use process_monitor_client::Client;
use process_monitor_client::api::ProcessStatus;
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::ProcessState;
use std::collections::HashSet;
use std::io::{self, IsTerminal};
use std::time::Duration;

/// Most starts are over before anybody could read anything.
const AT_FIRST: Duration = Duration::from_millis(400);

/// How often the monitor is asked how it goes; only while somebody watches.
const AGAIN: Duration = Duration::from_millis(500);

/// Waits for `outcome`, and shows meanwhile, on a terminal, what those of `ids`, or all, do that are not up yet.
pub async fn watch<T>(client: &Client, ids: Option<&[ProcessId]>, outcome: impl Future<Output = T>) -> T {
    if !io::stderr().is_terminal() {
        return outcome.await;
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    tokio::select! {
        outcome = outcome => {
            bar.finish_and_clear();
            outcome
        }
        never = show(client, ids, &bar) => never,
    }
}

/// Goes on until it is dropped.
async fn show<T>(client: &Client, ids: Option<&[ProcessId]>, bar: &ProgressBar) -> T {
    tokio::time::sleep(AT_FIRST).await;
    bar.set_draw_target(ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    loop {
        // A monitor that does not answer now is what `outcome` will tell of.
        if let Ok((_, processes)) = client.list().await {
            bar.set_message(message(&processes, ids));
        }
        tokio::time::sleep(AGAIN).await;
    }
}

fn message(processes: &[ProcessStatus], ids: Option<&[ProcessId]>) -> String {
    let wanted: Option<HashSet<_>> = ids.map(|ids| ids.iter().collect());
    let is_wanted = |id: &ProcessId| wanted.as_ref().is_none_or(|wanted| wanted.contains(id));
    let awaited = |process: &&ProcessStatus| is_wanted(&process.id) && process.state != ProcessState::Running;
    let open: Vec<_> = processes.iter().filter(awaited).collect();
    let all = wanted.as_ref().map_or(processes.len(), HashSet::len);
    match open.as_slice() {
        [] => "waiting for the answer".to_owned(),
        [process] => format!("{}: {}", process.id, said(process)),
        [process, ..] => {
            let up = all.saturating_sub(open.len());
            format!("{up} of {all} are up; {}: {}", process.id, said(process))
        }
    }
}

fn said(process: &ProcessStatus) -> String {
    match &process.message {
        Some(message) => format::printable(message),
        None => process.state.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use process_monitor_core::model::ProcessEntry;

    fn process(id: &str, state: ProcessState, message: Option<&str>) -> ProcessStatus {
        let entry = ProcessEntry::new(ProcessId::new(id).unwrap(), "a");
        ProcessStatus { state, message: message.map(str::to_owned), ..ProcessStatus::of_entry(&entry) }
    }

    #[test]
    fn what_is_shown() {
        use ProcessState::{Running, Starting};
        let ids = ["a", "b", "c"].map(|id| ProcessId::new(id).unwrap());
        let (a, b) = (process("a", Starting, Some("not ready yet\x1b[2J")), process("b", Starting, None));
        let (c, other) = (process("c", Running, None), process("other", Starting, None));
        let ids = Some(ids.as_slice());
        assert_eq!(message(&[other.clone(), c.clone()], ids), "waiting for the answer");
        assert_eq!(message(&[other.clone(), c.clone()], None), "other: starting");
        assert_eq!(message(&[other, b.clone(), c.clone()], ids), "b: starting");
        let text = message(&[a, b, c], ids);
        assert!(text.starts_with("1 of 3 are up; a: not ready yet") && !text.contains('\x1b'), "{text}");
    }
}
