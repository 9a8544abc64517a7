//! The pair: who runs, what each did for the other, and what would go wrong.

use super::finding::Finding;
use crate::cli::pair::settings;
use process_monitor_client::api::{MonitorStatus, PartnerStatus};
use process_monitor_core::partner::{Last, Sighting};
use process_monitor_core::registry::Registry;
use process_monitor_host::layout::Layout;
use process_monitor_host::lock::MonitorInfo;
use process_monitor_host::pair::history;
use process_monitor_host::pair::launch::Launch;
use process_monitor_host::pair::sighting;
use std::fmt::Write as _;

const CHECK: &str = "partner";

/// How the two are.
pub fn pair(layout: &Layout, status: Option<&MonitorStatus>, program: &str) -> Finding {
    let own = settings(layout);
    let alone = status.map_or(own.standalone_mode, |status| status.standalone_mode);
    let Some(partner) = own.partner_discovery.partner_of(layout.instance()).filter(|_| !alone) else {
        return Finding::ok(
            CHECK,
            "none is wanted: should this monitor die, only a service manager starts it again",
        );
    };
    let place = Layout::new(layout.directory(), partner);
    let found = presence(layout, &place, status, program);
    let found = match trouble(&own, &place) {
        Some((what, advice)) => Finding::warn(CHECK, format!("{}\n{what}", found.found), advice),
        None => found,
    };
    Finding { found: format!("{}{}", found.found, did(layout, &place)), ..found }
}

fn presence(layout: &Layout, place: &Layout, status: Option<&MonitorStatus>, program: &str) -> Finding {
    let partner = place.instance();
    let watched = status.is_some_and(|status| status.partner_status == PartnerStatus::Running);
    match (sighting::look(place, None), status) {
        (Sighting::Running { life, .. }, Some(_)) if watched => Finding::ok(
            CHECK,
            format!("{partner} runs with pid {} since {}; they watch each other", life.pid, life.since),
        ),
        (Sighting::Running { life, .. }, Some(_)) => Finding::warn(
            CHECK,
            format!("{partner} runs with pid {} since {}, but is not watched", life.pid, life.since),
            "it may just be starting, or want no partner (see its --status)",
        ),
        (Sighting::Running { life, .. }, None) => {
            let what = match sighting::look(layout, None) {
                Sighting::Gone(Last::Cut) => "this monitor was cut off, and is about to be started by it",
                _ => "this monitor was stopped, and stays so until somebody starts it",
            };
            Finding::ok(CHECK, format!("{partner} runs with pid {} since {}; {what}", life.pid, life.since))
        }
        (Sighting::Gone(Last::Cut), Some(_)) => Finding::warn(
            CHECK,
            format!("{partner} was cut off, and is about to be started again"),
            "if this stays so, the monitor's log says why it does not start",
        ),
        (Sighting::Gone(Last::Left), _) => Finding::ok(
            CHECK,
            format!("{partner} was stopped, and stays so; should this monitor die, nobody starts it again"),
        ),
        (Sighting::Gone(_), _) => Finding::ok(
            CHECK,
            format!(
                "there is none: should this monitor die, nobody starts it again; to have one: {program} --instance \
                 {partner}, or monitor_watcher"
            ),
        ),
    }
}

/// What each did for the other, the last of it.
fn did(layout: &Layout, place: &Layout) -> String {
    let mut text = String::new();
    for (doer, other) in [(layout, place), (place, layout)] {
        let all = history::read(doer);
        let Some(last) = all.last() else { continue };
        let how = match (&last.pid, &last.error) {
            (Some(pid), _) => format!("it came up with pid {pid}"),
            (None, why) => format!("that failed: {}", why.as_deref().unwrap_or("nobody knows why")),
        };
        // Infallible: it writes into memory.
        let _ = write!(
            text,
            "\n{} started {} {} time(s) of late, last at {}, because {}; {how}",
            doer.instance(),
            other.instance(),
            all.len(),
            last.at,
            last.why
        );
    }
    text
}

/// What would keep the partner from being started, or from being heard.
fn trouble(own: &Registry, place: &Layout) -> Option<(String, &'static str)> {
    let other = settings(place);
    let ports =
        [own, &other].map(|registry| registry.aliveness_server.enabled.then(|| registry.aliveness_port()));
    if ports[0].is_some() && ports[0] == ports[1] {
        let what = format!("both registries name port {} for the aliveness server", own.aliveness_port());
        return Some((what, "give one of them another alivenessServer.port"));
    }
    let info = MonitorInfo::read(place)?;
    let executable = Launch::read(place, info.identity)?.executable;
    (!executable.exists()).then(|| {
        let what = format!("its program {} is gone; this monitor's own would be used", executable.display());
        (what, "put it back, or restart the partner from where the program is now")
    })
}
