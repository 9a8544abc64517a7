//! Starting the partner, as it was started before.

use crate::daemon::launch;
use process_monitor_core::partner::{Cause, Life};
use process_monitor_host::background::{Ready, StartError, start_background_in};
use process_monitor_host::layout::Layout;
use process_monitor_host::pair::farewell;
use process_monitor_host::pair::launch::Launch;
use process_monitor_host::pair::sighting;
use process_monitor_host::process::environment;
use process_monitor_host::process::spawn::NOT_FOR_PROGRAMS;
use std::ffi::OsString;
use std::path::Path;

/// Where a monitor listens is said to that one monitor, and not to its partner. 0 is good for any.
const PORTS: [&str; 2] = ["TOM_PM_ALIVENESS_PORT", "TOM_PM_API_PORT"];

type Variables = Vec<(OsString, OsString)>;

/// What is remembered of a partner that runs, for when it does not.
pub struct Remembered {
    /// Its last known life.
    pub life: Life,
    /// What it was started with; its programs get it.
    variables: Option<Variables>,
}

impl Remembered {
    /// What can be learned of a life while it lasts.
    pub fn of(life: Life) -> Self {
        Self { life, variables: environment::variables(life.pid) }
    }
}

/// Starts the monitor of `layout` in the background, and waits until it is ready or has said why not. It leads a session
/// of its own, and outlives us. Blocks.
///
/// # Errors
/// [`StartError`]
pub fn start(
    layout: &Layout,
    own: &Path,
    before: Option<&Remembered>,
    cause: Cause,
) -> Result<Ready, StartError> {
    if cause == Cause::Missing
        && let Err(error) = farewell::take_back(layout)
    {
        tracing::warn!(%error, "cannot take back that the partner was stopped; it will not start");
    }
    let launched = before.and_then(|before| Launch::read(layout, sighting::identity(&before.life)));
    let (executable, words) = match launched {
        Some(launch) if launch.executable.exists() => (launch.executable, launch.arguments),
        Some(launch) => (own.to_owned(), launch.arguments),
        None => (own.to_owned(), launch::usual_words(layout)),
    };
    start_background_in(&variables(before), &executable, &with_notes(words))
}

/// What we tell it beside how it was started before.
fn with_notes(words: Vec<OsString>) -> Vec<OsString> {
    let watcher = ["--watcher-pid".into(), std::process::id().to_string().into()];
    let mut all: Vec<OsString> = watcher.into_iter().chain(["--unless-stopped".into()]).collect();
    all.extend(words);
    all
}

fn variables(before: Option<&Remembered>) -> Variables {
    let remembered = before.and_then(|before| before.variables.clone());
    let is_known = remembered.is_some();
    let all = remembered.unwrap_or_else(|| std::env::vars_os().collect());
    let is_ours = |name: &OsString, value: &OsString| {
        !is_known && PORTS.iter().any(|port| name == port) && value != "0"
    };
    let for_it = |(name, value): &(OsString, OsString)| {
        !NOT_FOR_PROGRAMS.iter().any(|other| name == other) && !is_ours(name, value)
    };
    all.into_iter().filter(for_it).collect()
}
