//! Calls about processes.

use crate::api::{Accepted, AutostartBody, ProcessList, ProcessStatus, SignalBody, Wait};
use crate::ask::blocking;
use crate::call::Call;
use crate::change::Change;
use crate::client::{Client, Place};
use crate::{Error, Source, store};
use hyper::Method;
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::{ProcessEntry, ProcessState, StopSignal};

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

    /// Starts a process. Returns the state that it reached; a process that is already up is left alone.
    /// With [`Wait::Ready`] that takes as long as its startup does.
    pub async fn start(&self, id: &ProcessId, wait: Wait) -> Result<ProcessState, Error> {
        self.command(Call::process(Method::POST, id, waiting("/start", wait)).repeatable()).await
    }

    /// Stops a process, and returns when it has stopped. It starts again with the next monitor if
    /// its `autostart` says so.
    pub async fn stop(&self, id: &ProcessId) -> Result<ProcessState, Error> {
        self.command(Call::process(Method::POST, id, "/stop").repeatable()).await
    }

    /// Stops a process and starts it again, as [`Client::start`] does.
    pub async fn restart(&self, id: &ProcessId, wait: Wait) -> Result<ProcessState, Error> {
        self.command(Call::process(Method::POST, id, waiting("/restart", wait))).await
    }

    /// Sends `signal` to a process that runs, or with `group` to its whole group. Returns its state.
    pub async fn signal(
        &self,
        id: &ProcessId,
        signal: StopSignal,
        group: bool,
    ) -> Result<ProcessState, Error> {
        let call = Call::process(Method::POST, id, "/signal").json(&SignalBody { signal, group })?;
        self.command(call).await
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

    /// A command that only a running monitor can carry out.
    async fn command(&self, call: Call) -> Result<ProcessState, Error> {
        let request = call.to_string();
        let accepted: Accepted = self.ask(call).await?;
        accepted.state.ok_or_else(|| Error::Protocol { request, why: "it names no state".to_owned() })
    }

    async fn changed(&self, call: Call, change: Change) -> Result<Source, Error> {
        let answer: Option<Accepted> = self.change(call, change).await?;
        Ok(answer.map_or(Source::File, |_| Source::Monitor))
    }
}

fn waiting(verb: &'static str, wait: Wait) -> &'static str {
    match (verb, wait) {
        ("/start", Wait::Ready) => "/start?wait=ready",
        ("/restart", Wait::Ready) => "/restart?wait=ready",
        _ => verb,
    }
}
