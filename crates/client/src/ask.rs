//! Asking the monitor: one call, its answer or a typed error; again while the monitor cannot be reached; and the registry
//! file in its place.

use crate::api::{ErrorBody, ErrorCode, ProcessList};
use crate::call::Call;
use crate::change::Change;
use crate::client::{Client, Place};
use crate::error::{Because, find};
use crate::transport::{self, Failed, Reply, Untrusted};
use crate::{Endpoint, Error, Source, store};
use hyper::Response;
use hyper::body::Incoming;
use hyper::header::RETRY_AFTER;
use process_monitor_core::id::ProcessId;
use process_monitor_core::nearest::nearest;
use process_monitor_host::layout::Layout;
use serde::de::DeserializeOwned;
use std::io::{self, ErrorKind};
use std::time::Duration;

/// No answer is larger; 10,000 processes make about 10 MB.
const MAX_ANSWER_BYTES: usize = 256 << 20;

/// How often a question is asked anew whose connection breaks: a monitor that is dying takes connections up to its last
/// moment.
const ASKED_ANEW: u32 = 5;

/// Between two of them.
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

impl Client {
    /// Has the monitor answer `call`; again while it cannot be reached.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        self.retry().run(call.repeatable, || self.ask_once(&call)).await
    }

    /// Asks a question: the monitor, or the registry file while none runs.
    pub(crate) async fn question<T, F>(&self, call: Call, from_file: F) -> Result<(Source, T), Error>
    where
        T: DeserializeOwned + Send + 'static,
        F: FnOnce(&Layout) -> Result<T, Error> + Send + 'static,
    {
        let Place::Here(layout) = self.place() else {
            return Ok((Source::Monitor, self.ask(call).await?));
        };
        let mut anew = 0;
        loop {
            match self.ask_once(&call).await {
                Err(Error::NotRunning { .. }) => {
                    return Ok((Source::File, blocking(layout, from_file).await?));
                }
                Err(Error::Interrupted { .. }) if anew < ASKED_ANEW => {
                    anew += 1;
                    tokio::time::sleep(BETWEEN_TRIES).await;
                }
                answer => return Ok((Source::Monitor, answer?)),
            }
        }
    }

    /// A change of the configuration: by the monitor, or to the file while none runs. What the monitor answered, if it
    /// was that.
    pub(crate) async fn change<T: DeserializeOwned>(
        &self,
        call: Call,
        change: Change,
    ) -> Result<Option<T>, Error> {
        let Place::Here(layout) = self.place() else { return self.ask(call).await.map(Some) };
        match self.ask_once(&call).await {
            Err(Error::NotRunning { .. }) => {
                blocking(layout, move |layout| store::change(layout, change)).await.map(|()| None)
            }
            answer => answer.map(Some),
        }
    }

    /// One call, and its answer.
    pub(crate) async fn ask_once<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Error> {
        let exchange = async {
            let response = self.open(call).await?;
            transport::read(response, MAX_ANSWER_BYTES).await.map_err(|failed| self.failed(call, failed))
        };
        let reply = match call.within {
            None => exchange.await?,
            Some(waited) => tokio::time::timeout(waited, exchange)
                .await
                .map_err(|_| Error::Unresponsive { at: self.endpoint(), waited })??,
        };
        match read(call, &reply) {
            Err(Error::ProcessNotFound { id, .. }) => Err(self.not_found(id).await),
            answer => answer,
        }
    }

    /// One call; returns when a good answer begins.
    pub(crate) async fn stream(&self, call: &Call) -> Result<Response<Incoming>, Error> {
        let response = self.open(call).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let reply =
            transport::read(response, MAX_ANSWER_BYTES).await.map_err(|failed| self.failed(call, failed))?;
        Err(refusal(call, &reply))
    }

    async fn open(&self, call: &Call) -> Result<Response<Incoming>, Error> {
        self.transport().open(call).await.map_err(|failed| self.failed(call, failed))
    }

    /// What it means that `call` got no answer.
    pub(crate) fn failed(&self, call: &Call, failed: Failed) -> Error {
        match failed {
            Failed::Broken(source) => {
                Error::Interrupted { request: call.to_string(), source: Because::of(source) }
            }
            Failed::NotMade(source) => match self.place() {
                Place::Here(layout) => unreached_here(layout, source),
                Place::There(url) => match find::<Untrusted>(source.as_ref()) {
                    Some(untrusted) => Error::Untrusted {
                        url: url.to_string(),
                        why: untrusted.why.clone(),
                        fingerprint: untrusted.found,
                    },
                    None => Error::Unreachable { url: url.to_string(), source: Because::of(source) },
                },
            },
        }
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        match self.place() {
            Place::Here(layout) => Endpoint::Socket(layout.control_socket()),
            Place::There(url) => Endpoint::Url(url.to_string()),
        }
    }

    /// That there is no process `id`, with the id that was probably meant. A failure to find that out
    /// is no reason to say something else.
    pub(crate) async fn not_found(&self, id: ProcessId) -> Error {
        let list = Box::pin(self.ask_once::<ProcessList>(&Call::get("/processes"))).await;
        let processes = list.map(|list| list.processes).unwrap_or_default();
        let ids: Vec<_> = processes.into_iter().map(|process| process.id).collect();
        let nearest = nearest(id.as_str(), ids.iter()).cloned();
        Error::ProcessNotFound { id, nearest }
    }
}

/// Runs blocking work on the registry file.
pub(crate) async fn blocking<T: Send + 'static>(
    layout: &Layout,
    work: impl FnOnce(&Layout) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (layout, path) = (layout.clone(), layout.registry());
    match tokio::task::spawn_blocking(move || work(&layout)).await {
        Ok(result) => result,
        Err(panicked) => Err(Error::Storage { path, source: Box::new(panicked) }),
    }
}

/// That nobody took a connection at the control socket.
fn unreached_here(layout: &Layout, source: transport::BoxError) -> Error {
    let socket = layout.control_socket();
    match find::<io::Error>(source.as_ref()).map(io::Error::kind) {
        // Reset: it died before it took the connection.
        Some(ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset) => {
            Error::NotRunning {
                directory: layout.directory().to_owned(),
                instance: layout.instance().clone(),
            }
        }
        Some(ErrorKind::PermissionDenied) => Error::PermissionDenied {
            what: format!("cannot connect to the monitor at {}: {}", socket.display(), Because::of(source)),
            by_monitor: false,
        },
        _ => Error::Connect { at: Endpoint::Socket(socket), source: Because::of(source) },
    }
}

/// What `reply` says.
fn read<T: DeserializeOwned>(call: &Call, reply: &Reply) -> Result<T, Error> {
    if !reply.status.is_success() {
        return Err(refusal(call, reply));
    }
    serde_json::from_slice(&reply.body).map_err(|error| unclear(call, reply, &error))
}

/// Why the monitor refuses.
fn refusal(call: &Call, reply: &Reply) -> Error {
    match serde_json::from_slice::<ErrorBody>(&reply.body) {
        Ok(body) if body.code == ErrorCode::RateLimited => {
            Error::RateLimited { what: body.error, retry_after: retry_after(reply) }
        }
        Ok(body) => Error::from_body(body, call.about.as_ref()),
        Err(error) => unclear(call, reply, &error),
    }
}

fn unclear(call: &Call, reply: &Reply, error: &serde_json::Error) -> Error {
    Error::Protocol { request: call.to_string(), why: format!("status {}, {error}", reply.status) }
}

/// In seconds; a date, which our server never sends, is not read.
fn retry_after(reply: &Reply) -> Option<Duration> {
    reply.headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}
