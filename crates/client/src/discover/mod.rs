//! Finding monitors: on this machine, at its own addresses, and in the networks that it is in.
//!
//! | file | what |
//! | --- | --- |
//! | `places` | where to look, in which order |
//! | `look` | whether a process monitor answers at an address |

mod look;
mod places;

pub use ipnet::IpNet;
pub use places::Scope;

use crate::transport::Trust;
use crate::{Error, Url};
use look::Seen;
use places::Stage;
use process_monitor_core::id::InstanceId;
use process_monitor_core::time::Wall;
use serde::Serialize;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// The ports of the API: ours, the watcher's, and those of later versions of the earlier implementation (SPEC 5).
pub const PORTS: [u16; 4] = [5679, 5680, 19881, 19882];

/// Where to look for monitors, and how hard.
#[derive(Debug, Clone)]
pub struct DiscoverOptions {
    /// Which addresses. Default [`Scope::Subnets`].
    pub scope: Scope,
    /// Which ports of each. Default [`PORTS`].
    pub ports: Vec<u16>,
    /// How long it may take altogether. Default 5 s.
    pub timeout: Duration,
    /// How many addresses are asked at the same time. Default 256, at least 1.
    pub at_once: usize,
    /// By what a monitor that speaks TLS is known.
    pub trust: Trust,
}

impl Default for DiscoverOptions {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            ports: PORTS.to_vec(),
            timeout: Duration::from_secs(5),
            at_once: 256,
            trust: Trust::default(),
        }
    }
}

/// A monitor that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// Where its API is.
    #[serde(serialize_with = "as_text")]
    pub url: Url,
    /// Which instance it is.
    pub instance: InstanceId,
    /// Its process id, on its own machine.
    pub pid: u32,
    /// Its version, if it tells.
    pub version: Option<String>,
    /// Since when it runs.
    pub started_at: Wall,
}

fn as_text<S: serde::Serializer>(url: &Url, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(url)
}

/// The first monitor that answers. This machine is asked first, then its own addresses, then the networks.
///
/// # Errors
/// [`Error::DiscoveryFailed`] says what was tried; [`Error::Options`] that the options cannot be used.
pub async fn first(options: &DiscoverOptions) -> Result<Found, Error> {
    let mut search = Search::new(options)?;
    while let Some(stage) = search.stages.pop() {
        if let Some(found) = search.look(&stage, true).await {
            return Ok(found);
        }
    }
    Err(search.failed())
}

/// Every monitor that answers in time, each once, by the way that was found first.
///
/// # Errors
/// As [`first`].
pub async fn all(options: &DiscoverOptions) -> Result<Vec<Found>, Error> {
    let mut search = Search::new(options)?;
    while let Some(stage) = search.stages.pop() {
        search.look(&stage, false).await;
    }
    match search.found.is_empty() {
        true => Err(search.failed()),
        false => Ok(search.found),
    }
}

struct Search<'a> {
    options: &'a DiscoverOptions,
    /// The next one last.
    stages: Vec<Stage>,
    until: Instant,
    found: Vec<Found>,
    known: HashSet<(u32, Wall, String)>,
    tried: Vec<String>,
    answers: Vec<String>,
}

impl<'a> Search<'a> {
    fn new(options: &'a DiscoverOptions) -> Result<Self, Error> {
        let mut stages = places::stages(&options.scope)?;
        stages.reverse();
        Ok(Self {
            options,
            stages,
            until: Instant::now() + options.timeout,
            found: Vec::new(),
            known: HashSet::new(),
            tried: Vec::new(),
            answers: Vec::new(),
        })
    }

    /// Asks every address of `stage`, or with `one` until a monitor answers, which is returned.
    async fn look(&mut self, stage: &Stage, one: bool) -> Option<Found> {
        let ports = &self.options.ports;
        let mut waiting =
            stage.hosts.iter().flat_map(|host| ports.iter().map(|port| SocketAddr::new(*host, *port)));
        let mut tasks = JoinSet::new();
        loop {
            let free = self.options.at_once.max(1).saturating_sub(tasks.len());
            for address in waiting.by_ref().take(free) {
                tasks.spawn(look::at(address, self.options.trust.clone()));
            }
            match tokio::time::timeout_at(self.until, tasks.join_next()).await {
                Ok(Some(Ok(seen))) => {
                    let found = self.note(seen);
                    if one && found.is_some() {
                        return found;
                    }
                }
                // A look that panicked saw nothing.
                Ok(Some(Err(_))) => {}
                Ok(None) => break,
                Err(_) => {
                    let left = waiting.count() + tasks.len();
                    self.tried.push(format!("{} ({left} addresses not in time)", stage.name));
                    return None;
                }
            }
        }
        self.tried.push(stage.name.clone());
        None
    }

    fn note(&mut self, seen: Seen) -> Option<Found> {
        match seen {
            Seen::Nobody => None,
            Seen::Other(what) => {
                self.answers.push(what);
                None
            }
            Seen::Monitor(found) => {
                // Seen through several addresses of its machine it is still one.
                let identity = (found.pid, found.started_at, found.instance.to_string());
                self.known.insert(identity).then(|| {
                    self.found.push(found.clone());
                    found
                })
            }
        }
    }

    fn failed(self) -> Error {
        let ports: Vec<_> = self.options.ports.iter().map(u16::to_string).collect();
        let hosts = if self.tried.is_empty() { "nowhere".to_owned() } else { self.tried.join(", then ") };
        let tried = format!("looked on the ports {} of {hosts}", ports.join(", "));
        Error::DiscoveryFailed { tried, answers: self.answers }
    }
}
