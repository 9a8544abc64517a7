//! Calls about processes.

use crate::api::{Accepted, AutostartBody, ErrorCode, ProcessList, ProcessStatus, SignalBody, Wait};
use crate::ask::blocking;
use crate::call::Call;
use crate::change::Change;
use crate::client::{Client, Place};
use crate::{Error, Source, store};
use hyper::Method;
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::{EntryPatch, ProcessEntry, ProcessState, StopSignal};
use serde_json::{Map, Value};
use std::time::{Duration, Instant};

/// The monitor takes no shorter wait.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

impl Client {
    /// Every process, in the order of registration, and who told.
    pub async fn list(&self) -> Result<(Source, Vec<ProcessStatus>), Error> {
        let (source, list) = self.question(Call::get("/processes"), store::list).await?;
        let ProcessList { processes } = list;
        Ok((source, processes))
    }

    /// One process, and who told.
    pub async fn status(&self, id: &ProcessId) -> Result<(Source, ProcessStatus), Error> {
        let wanted = id.clone();
        let call = Call::process(Method::GET, id, "").quick();
        self.question(call, move |layout| store::get(layout, &wanted)).await
    }

    /// Registers a process. Its runtime fields are ignored; it is not started.
    pub async fn register(&self, entry: ProcessEntry) -> Result<Source, Error> {
        let call =
            Call { about: Some(entry.id.clone()), ..Call::new(Method::POST, "/processes") }.json(&entry)?;
        self.changed(call, Change::Register(Box::new(entry))).await
    }

    /// Stops a process and forgets it. Its logs stay.
    pub async fn remove(&self, id: &ProcessId) -> Result<Source, Error> {
        // Carried out twice, it would say that there is no such process.
        self.changed(Call::process(Method::DELETE, id, "").once(), Change::Remove(id.clone())).await
    }

    /// Allows a process to be started; does not start it.
    pub async fn enable(&self, id: &ProcessId) -> Result<Source, Error> {
        let call = Call::process(Method::POST, id, "/enable").repeatable();
        self.changed(call, Change::Enable(id.clone())).await
    }

    /// Stops a process, and refuses to start it from now on.
    pub async fn disable(&self, id: &ProcessId) -> Result<Source, Error> {
        let call = Call::process(Method::POST, id, "/disable").repeatable();
        self.changed(call, Change::Disable(id.clone())).await
    }

    /// Sets whether a process starts with the monitor.
    pub async fn set_autostart(&self, id: &ProcessId, autostart: bool) -> Result<Source, Error> {
        let call = Call::process(Method::PUT, id, "/autostart").json(&AutostartBody { autostart })?;
        self.changed(call, Change::Autostart(id.clone(), autostart)).await
    }

    /// Changes the configuration of a process (RFC 7396, JSON merge patch): what is not named stays, `null` brings a default
    /// back. Returns who did it and, when it was the monitor, whether a restart is needed to take it up.
    ///
    /// # Errors
    /// [`Error::Invalid`] names everything that is wrong.
    pub async fn update(
        &self,
        id: &ProcessId,
        patch: Map<String, Value>,
    ) -> Result<(Source, Accepted), Error> {
        let call = Call::process(Method::PATCH, id, "").quick().json(&patch)?;
        let answer = self.change(call, Change::Update(id.clone(), EntryPatch(patch))).await?;
        Ok(match answer {
            Some(accepted) => (Source::Monitor, accepted),
            None => (Source::File, Accepted::new()),
        })
    }

    /// Starts, stops or restarts a process, and waits for what `waiting` says; what came of it is in the answer. A start or
    /// stop is waited for on when the monitor replaces itself meanwhile.
    pub async fn act(&self, id: &ProcessId, verb: Verb, waiting: Waiting) -> Result<Accepted, Error> {
        let begun = Instant::now();
        let mut left = waiting;
        loop {
            match self.act_once(id, verb, left).await {
                Err(Error::Refused { code: ErrorCode::Restarting, .. }) if waiting.may_be_repeated(verb) => {
                    let rest = |within: Duration| within.saturating_sub(begun.elapsed()).max(SHORTEST_WAIT);
                    left.within = waiting.within.map(rest);
                }
                answer => return answer,
            }
        }
    }

    async fn act_once(&self, id: &ProcessId, verb: Verb, waiting: Waiting) -> Result<Accepted, Error> {
        let call = Call::process(Method::POST, id, &format!("/{}{}", verb.name(), waiting.query(verb)));
        // Who restarts twice loses a run.
        self.ask(if verb == Verb::Restart { call } else { call.repeatable() }).await
    }

    /// Starts a process. Returns the state that it reached; a process that is already up is left alone.
    /// With [`Wait::Ready`] that takes as long as its startup does.
    pub async fn start(&self, id: &ProcessId, wait: Wait) -> Result<ProcessState, Error> {
        self.reached(id, Verb::Start, wait).await
    }

    /// Stops a process, and returns when it has stopped. It starts again with the next monitor if
    /// its `autostart` says so.
    pub async fn stop(&self, id: &ProcessId) -> Result<ProcessState, Error> {
        self.reached(id, Verb::Stop, Wait::Accepted).await
    }

    /// Stops a process and starts it again, as [`Client::start`] does.
    pub async fn restart(&self, id: &ProcessId, wait: Wait) -> Result<ProcessState, Error> {
        self.reached(id, Verb::Restart, wait).await
    }

    /// Sends `signal` to a process that runs, or with `group` to its whole group. Returns its state.
    pub async fn signal(
        &self,
        id: &ProcessId,
        signal: StopSignal,
        group: bool,
    ) -> Result<ProcessState, Error> {
        let call = Call::process(Method::POST, id, "/signal").json(&SignalBody { signal, group })?;
        let request = call.to_string();
        state_of(request, &self.ask(call).await?)
    }

    /// What the registry's file says, whether a monitor runs or not.
    ///
    /// # Errors
    /// [`Error::Options`] when the file is on another machine.
    pub async fn registry_file(&self) -> Result<Vec<ProcessStatus>, Error> {
        match self.place() {
            Place::Here(layout) => Ok(blocking(layout, store::list).await?.processes),
            Place::There(url) => {
                Err(Error::Options { what: format!("the registry's file of {url} is not in reach") })
            }
        }
    }

    async fn reached(&self, id: &ProcessId, verb: Verb, wait: Wait) -> Result<ProcessState, Error> {
        let accepted = self.act(id, verb, Waiting { wait, within: None }).await?;
        state_of(format!("{} {id}", verb.name()), &accepted)
    }

    async fn changed(&self, call: Call, change: Change) -> Result<Source, Error> {
        let answer: Option<Accepted> = self.change(call, change).await?;
        Ok(answer.map_or(Source::File, |_| Source::Monitor))
    }
}

fn state_of(request: String, accepted: &Accepted) -> Result<ProcessState, Error> {
    accepted.state.ok_or_else(|| Error::Protocol { request, why: "it names no state".to_owned() })
}

/// What to do with a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Start it, unless it is up.
    Start,
    /// Stop it, with everything that it started.
    Stop,
    /// Stop it and start it.
    Restart,
}

impl Verb {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
        }
    }
}

/// What to wait for, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waiting {
    /// For what. A stop is waited for in any case; with [`Wait::Exit`] its answer tells how the run ended.
    pub wait: Wait,
    /// How long, 1 ms to 1 hour; then the answer says [`timed_out`](Accepted::timed_out), and the command itself goes on.
    /// Default: for [`Wait::Exit`] an hour, else as long as it takes. Means nothing to a start that is not waited for.
    pub within: Option<Duration>,
}

impl Waiting {
    /// Whether asking again changes nothing about what is under way. A start that waits for an exit could begin a second
    /// run.
    fn may_be_repeated(self, verb: Verb) -> bool {
        match verb {
            Verb::Stop => true,
            Verb::Start => self.wait != Wait::Exit,
            Verb::Restart => false,
        }
    }

    pub(crate) fn query(self, verb: Verb) -> String {
        let wait = match (self.wait, verb) {
            (Wait::Exit, _) => Some("wait=exit".to_owned()),
            (Wait::Ready, Verb::Start | Verb::Restart) => Some("wait=ready".to_owned()),
            (Wait::Ready, Verb::Stop) | (Wait::Accepted, _) => None,
        };
        let within = self.within.filter(|_| wait.is_some() || verb == Verb::Stop);
        let within = within.map(|within| format!("timeoutMs={}", within.as_millis()));
        let query: Vec<_> = wait.into_iter().chain(within).collect();
        if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_is_in_the_query() {
        let query = |verb, wait, within: Option<u64>| {
            Waiting { wait, within: within.map(Duration::from_millis) }.query(verb)
        };
        assert_eq!(query(Verb::Start, Wait::Accepted, None), "");
        assert_eq!(query(Verb::Start, Wait::Accepted, Some(5)), "", "the monitor would refuse it");
        assert_eq!(query(Verb::Start, Wait::Ready, None), "?wait=ready");
        assert_eq!(query(Verb::Restart, Wait::Exit, Some(5)), "?wait=exit&timeoutMs=5");
        assert_eq!(query(Verb::Stop, Wait::Accepted, Some(5)), "?timeoutMs=5");
        assert_eq!(query(Verb::Stop, Wait::Ready, None), "");
    }
}
