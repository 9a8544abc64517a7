//! Events, as `events` shows them.

use super::format;
use super::style::{Style, Tone, state_tone};
use process_monitor_client::api::{EventKind, ProcessEvent};

/// One line: when, which process, what happened.
pub fn event_line(event: &ProcessEvent, style: Style) -> String {
    let what = match (event.kind, event.from, event.to) {
        (EventKind::State, Some(from), Some(to)) => {
            let pid = event.pid.map_or_else(String::new, |pid| format!(" pid {pid}"));
            format!("{from} → {}{pid}", style.paint(state_tone(to), to.name()))
        }
        (EventKind::Health, ..) if event.healthy == Some(false) => style.paint(Tone::Bad, "check failed"),
        (EventKind::Health, ..) => "healthy again".to_owned(),
        (kind, ..) => kind.name().to_owned(),
    };
    let process = event.process.as_ref().map_or("", |id| id.as_str());
    let message =
        event.message.as_deref().map_or_else(String::new, |text| format!(": {}", format::printable(text)));
    format!("{} {} {what}{message}\n", event.at, style.paint(Tone::Strong, process))
}

#[cfg(test)]
mod tests {
    use super::*;
    use process_monitor_core::id::ProcessId;
    use process_monitor_core::model::ProcessState::{Crashed, Running, Starting};
    use process_monitor_core::time::Wall;

    #[test]
    fn what_happened_in_a_line() {
        let id = ProcessId::new("web").unwrap();
        let of = |kind| ProcessEvent::new("1-1".into(), Wall::default(), kind, Some(id.clone()));
        let up =
            ProcessEvent { from: Some(Starting), to: Some(Running), pid: Some(42), ..of(EventKind::State) };
        let message = Some("ended with exit code 1\x1b[2J".to_owned());
        let down = ProcessEvent { from: Some(Running), to: Some(Crashed), message, ..of(EventKind::State) };
        let ill = ProcessEvent {
            healthy: Some(false),
            message: Some("status 503".into()),
            ..of(EventKind::Health)
        };
        let well = ProcessEvent { healthy: Some(true), ..of(EventKind::Health) };
        let text: String = [up, down, ill, well, of(EventKind::Removed)]
            .iter()
            .map(|event| event_line(event, Style::Plain))
            .collect();
        insta::assert_snapshot!(text);
    }
}
