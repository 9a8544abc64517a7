//! A client on the monitor's own machine.

use crate::api::{
    Accepted, AutostartBody, ErrorBody, MonitorStatus, ProcessList, ProcessStatus, SignalBody, Wait,
};
use crate::change::Change;
use crate::events::EventStream;
use crate::http::{self, Call, Reply};
use crate::{Error, store};
use hyper::Method;
use process_monitor_core::id::{InstanceId, ProcessId};
use process_monitor_core::model::{ProcessEntry, ProcessState, StopSignal};
use process_monitor_core::nearest::nearest;
use process_monitor_host::layout::Layout;
use process_monitor_host::socket::ShortPath;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;

/// How long an answer may take that needs no process to do anything.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// How long a monitor may take to replace itself.
const RESTART_WAIT: Duration = Duration::from_secs(30);

/// Between two tries to reach a monitor that is about to listen.
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// Who answered a question about processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The running monitor.
    Monitor,
    /// The registry file: what was last known.
    File,
}

/// Talks to one instance: to its monitor while that runs, else to its registry file.
///
/// Every method decides anew, so that a client may outlive the monitor. Methods say in their errors
/// whether they need a running monitor ([`Error::NotRunning`]). They need a tokio runtime with IO
/// and time enabled.
#[derive(Debug, Clone)]
pub struct Client {
    layout: Layout,
}

impl Client {
    /// A client of `instance` in `directory`, which should be absolute. Touches nothing.
    pub fn local(directory: impl Into<PathBuf>, instance: InstanceId) -> Self {
        Self { layout: Layout::new(directory, instance) }
    }

    /// Where the instance keeps its files.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Every process, in the order of registration, and who told.
    pub async fn list(&self) -> Result<(Source, Vec<ProcessStatus>), Error> {
        match self.ask::<ProcessList>(Call::new(Method::GET, "/processes"), None, Some(ANSWER_WAIT)).await? {
            Some(list) => Ok((Source::Monitor, list.processes)),
            None => Ok((Source::File, self.with_file(store::list).await?)),
        }
    }

    /// One process, and who told.
    pub async fn status(&self, id: &ProcessId) -> Result<(Source, ProcessStatus), Error> {
        let call = Call::new(Method::GET, format!("/processes/{id}"));
        match self.ask(call, Some(id), Some(ANSWER_WAIT)).await? {
            Some(status) => Ok((Source::Monitor, status)),
            None => {
                let id = id.clone();
                Ok((Source::File, self.with_file(move |layout| store::get(layout, &id)).await?))
            }
        }
    }

    /// Registers a process. Its runtime fields are ignored; it is not started.
    pub async fn register(&self, entry: ProcessEntry) -> Result<Source, Error> {
        let id = entry.id.clone();
        let call = Call::new(Method::POST, "/processes").json(&entry)?;
        self.change(call, &id, Change::Register(Box::new(entry))).await
    }

    /// Stops a process and forgets it. Its logs stay.
    pub async fn remove(&self, id: &ProcessId) -> Result<Source, Error> {
        self.change(Call::new(Method::DELETE, format!("/processes/{id}")), id, Change::Remove(id.clone()))
            .await
    }

    /// Allows a process to be started; does not start it.
    pub async fn enable(&self, id: &ProcessId) -> Result<Source, Error> {
        self.change(Call::action(id, "enable"), id, Change::Enable(id.clone())).await
    }

    /// Stops a process, and refuses to start it from now on.
    pub async fn disable(&self, id: &ProcessId) -> Result<Source, Error> {
        self.change(Call::action(id, "disable"), id, Change::Disable(id.clone())).await
    }

    /// Sets whether a process starts with the monitor.
    pub async fn set_autostart(&self, id: &ProcessId, autostart: bool) -> Result<Source, Error> {
        let call = Call::new(Method::PUT, format!("/processes/{id}/autostart"))
            .json(&AutostartBody { autostart })?;
        self.change(call, id, Change::Autostart(id.clone(), autostart)).await
    }

    /// Starts a process. Returns the state that it reached; a process that is already up is left alone.
    /// With [`Wait::Ready`] that takes as long as its startup does.
    pub async fn start(&self, id: &ProcessId, wait: Wait) -> Result<ProcessState, Error> {
        self.command(Call::action(id, start_or_restart("start", wait)), id).await
    }

    /// Stops a process, and returns when it has stopped. It starts again with the next monitor if
    /// its `autostart` says so.
    pub async fn stop(&self, id: &ProcessId) -> Result<ProcessState, Error> {
        self.command(Call::action(id, "stop"), id).await
    }

    /// Stops a process and starts it again, as [`Client::start`] does.
    pub async fn restart(&self, id: &ProcessId, wait: Wait) -> Result<ProcessState, Error> {
        self.command(Call::action(id, start_or_restart("restart", wait)), id).await
    }

    /// Sends `signal` to a process that runs, or with `group` to its whole group. Returns its state.
    pub async fn signal(
        &self,
        id: &ProcessId,
        signal: StopSignal,
        group: bool,
    ) -> Result<ProcessState, Error> {
        let call = Call::action(id, "signal").json(&SignalBody { signal, group })?;
        self.command(call, id).await
    }

    /// Listens to what happens: from now on, or from after the event with the id `last` on.
    pub async fn events(&self, last: Option<String>) -> Result<EventStream, Error> {
        let call = Call { last_event: last, ..Call::new(Method::GET, "/events") };
        let request = call.to_string();
        let stream = self.connect().await?.ok_or_else(|| self.not_running())?;
        let interrupted = |source| Error::Interrupted { request: request.clone(), source };
        let (response, open) = http::open(stream, call).await.map_err(interrupted)?;
        if response.status().is_success() {
            return Ok(EventStream::new(request, response.into_body(), open));
        }
        let reply = http::read(response).await.map_err(interrupted)?;
        Err(Error::from_body(read_error(&request, &reply)?, None))
    }

    /// How the monitor is.
    pub async fn monitor_status(&self) -> Result<MonitorStatus, Error> {
        let call = Call::new(Method::GET, "/monitor/status");
        self.ask(call, None, Some(ANSWER_WAIT)).await?.ok_or_else(|| self.not_running())
    }

    /// Asks the monitor to stop every process and then itself. Returns when it has agreed to.
    pub async fn stop_monitor(&self) -> Result<(), Error> {
        let call = Call::new(Method::POST, "/monitor/stop");
        self.ask::<Accepted>(call, None, Some(ANSWER_WAIT))
            .await?
            .map(|_| ())
            .ok_or_else(|| self.not_running())
    }

    /// Has the monitor replace itself; its processes run on. Returns when the new one answers.
    pub async fn restart_monitor(&self) -> Result<MonitorStatus, Error> {
        // Ends when the old monitor does, and so tells that from then on the new one answers.
        let mut old = self.connect().await?.ok_or_else(|| self.not_running())?;
        let call = Call::new(Method::POST, "/monitor/restart");
        self.ask::<Accepted>(call, None, Some(ANSWER_WAIT)).await?.ok_or_else(|| self.not_running())?;
        let replaced = async {
            // The end, an error: whichever way the connection is lost.
            let _lost = old.read(&mut [0; 1]).await;
            loop {
                match self.monitor_status().await {
                    // Nobody tells when a socket is bound.
                    Err(Error::NotRunning { .. } | Error::Interrupted { .. }) => {
                        tokio::time::sleep(BETWEEN_TRIES).await;
                    }
                    answer => return answer,
                }
            }
        };
        tokio::time::timeout(RESTART_WAIT, replaced)
            .await
            .map_err(|_| Error::Unresponsive { socket: self.layout.control_socket(), waited: RESTART_WAIT })?
    }

    /// What the registry's file says, whether a monitor runs or not.
    pub async fn registry_file(&self) -> Result<Vec<ProcessStatus>, Error> {
        self.with_file(store::list).await
    }

    /// A command that only a running monitor can carry out. It may take as long as the process does.
    async fn command(&self, call: Call, id: &ProcessId) -> Result<ProcessState, Error> {
        let request = call.to_string();
        let accepted: Accepted = self.ask(call, Some(id), None).await?.ok_or_else(|| self.not_running())?;
        accepted.state.ok_or_else(|| Error::Protocol { request, why: "it names no state".to_owned() })
    }

    /// A change of the configuration: by the monitor, or to the file while there is none. It may take
    /// as long as a process takes to stop.
    async fn change(&self, call: Call, id: &ProcessId, change: Change) -> Result<Source, Error> {
        match self.ask::<Accepted>(call, Some(id), None).await? {
            Some(_) => Ok(Source::Monitor),
            None => self.with_file(move |layout| store::change(layout, change)).await.map(|()| Source::File),
        }
    }

    /// Sends `call`, which is about process `about`, and reads the answer. `None`: no monitor runs.
    async fn ask<T: DeserializeOwned>(
        &self,
        call: Call,
        about: Option<&ProcessId>,
        wait: Option<Duration>,
    ) -> Result<Option<T>, Error> {
        let Some(stream) = self.connect().await? else { return Ok(None) };
        let request = call.to_string();
        let exchange = http::send(stream, call);
        let reply = match wait {
            None => exchange.await,
            Some(waited) => tokio::time::timeout(waited, exchange)
                .await
                .map_err(|_| Error::Unresponsive { socket: self.layout.control_socket(), waited })?,
        };
        let reply = reply.map_err(|source| Error::Interrupted { request: request.clone(), source })?;
        match read(&request, &reply, about) {
            Err(Error::ProcessNotFound { id, .. }) => Err(self.not_found(id).await),
            answer => answer.map(Some),
        }
    }

    /// A connection to the monitor; `None` when nobody listens.
    async fn connect(&self) -> Result<Option<UnixStream>, Error> {
        let socket = self.layout.control_socket();
        let connecting = async { UnixStream::connect(ShortPath::of(&socket)?.as_path()).await };
        match connecting.await {
            Ok(stream) => Ok(Some(stream)),
            Err(error) => match error.kind() {
                // Reset: it died before it took the connection.
                ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Ok(None),
                ErrorKind::PermissionDenied => {
                    let what = format!("cannot connect to the monitor at {}: {error}", socket.display());
                    Err(Error::PermissionDenied { what })
                }
                _ => Err(Error::Connect { socket, source: error }),
            },
        }
    }

    /// That there is no process `id`, with the id that was probably meant. A failure to find that out
    /// is no reason to say something else.
    async fn not_found(&self, id: ProcessId) -> Error {
        let call = Call::new(Method::GET, "/processes");
        let list = Box::pin(self.ask::<ProcessList>(call, None, Some(ANSWER_WAIT))).await;
        let processes = list.ok().flatten().map(|list| list.processes).unwrap_or_default();
        let ids: Vec<_> = processes.into_iter().map(|process| process.id).collect();
        let nearest = nearest(id.as_str(), ids.iter()).cloned();
        Error::ProcessNotFound { id, nearest }
    }

    fn not_running(&self) -> Error {
        Error::NotRunning {
            directory: self.layout.directory().to_owned(),
            instance: self.layout.instance().clone(),
        }
    }

    /// Runs blocking work on the registry file.
    async fn with_file<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Layout) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let layout = self.layout.clone();
        let path = layout.registry();
        match tokio::task::spawn_blocking(move || work(&layout)).await {
            Ok(result) => result,
            Err(panicked) => Err(Error::Storage { path, source: Box::new(panicked) }),
        }
    }
}

fn start_or_restart(verb: &'static str, wait: Wait) -> String {
    match wait {
        Wait::Accepted => verb.to_owned(),
        Wait::Ready => format!("{verb}?wait=ready"),
    }
}

/// What `reply` says.
fn read<T: DeserializeOwned>(request: &str, reply: &Reply, about: Option<&ProcessId>) -> Result<T, Error> {
    let unclear = |error: serde_json::Error| Error::Protocol {
        request: request.to_owned(),
        why: format!("status {}, {error}", reply.status),
    };
    if reply.status.is_success() {
        serde_json::from_slice(&reply.body).map_err(unclear)
    } else {
        Err(Error::from_body(read_error(request, reply)?, about))
    }
}

fn read_error(request: &str, reply: &Reply) -> Result<ErrorBody, Error> {
    serde_json::from_slice(&reply.body).map_err(|error| Error::Protocol {
        request: request.to_owned(),
        why: format!("status {}, {error}", reply.status),
    })
}

impl Call {
    fn action(id: &ProcessId, verb: impl AsRef<str>) -> Self {
        Self::new(Method::POST, format!("/processes/{id}/{}", verb.as_ref()))
    }

    fn json(mut self, body: &impl Serialize) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(body)
            .map_err(|error| Error::Protocol { request: self.to_string(), why: error.to_string() })?;
        self.body = Some(bytes);
        Ok(self)
    }
}
