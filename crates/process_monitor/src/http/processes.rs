//! `/processes…`

use super::body::{JsonBody, PatchBody};
use super::error::ApiError;
use super::guard::Asking;
use super::openapi::PROCESSES;
use super::waiting::{StartQuery, StopQuery, StopWait, within};
use crate::daemon::Handle;
use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::IntoResponse;
use process_monitor_client::api::{
    Accepted, AutostartBody, ErrorBody, ProcessList, ProcessStatus, SignalBody, Wait,
};
use process_monitor_core::engine::{Command, Done};
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::{EntryPatch, ProcessState, Registration};
use std::sync::Arc;
use utoipa::IntoParams;

type Answer<T> = Result<Json<T>, ApiError>;

/// The `{id}` of the path.
#[derive(IntoParams)]
#[into_params(names("id"), parameter_in = Path)]
pub struct Id(
    /// Which process.
    #[param(inline, example = "web")]
    pub ProcessId,
);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| ApiError::malformed(rejection.body_text()))?;
        ProcessId::new(&text).map(Self).map_err(|why| ApiError::bad_id(&why))
    }
}

/// Every process
///
/// In the order of registration.
#[utoipa::path(
    get, path = "/processes", tag = PROCESSES, operation_id = "listProcesses",
    responses((status = 200, body = ProcessList))
)]
pub async fn list(State(handle): State<Handle>) -> Result<impl IntoResponse, ApiError> {
    let json = handle.listing().await.map_err(ApiError::internal)?;
    Ok(([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], json))
}

/// One process
#[utoipa::path(
    get, path = "/processes/{id}", tag = PROCESSES, operation_id = "getProcess", params(Id),
    responses((status = 200, body = ProcessStatus))
)]
pub async fn status(State(handle): State<Handle>, Id(id): Id) -> Answer<ProcessStatus> {
    handle.status(&id).await.map(Json).ok_or_else(|| ApiError::no_such_process(&id))
}

/// Register a process
///
/// Starts nothing; see `POST /processes/{id}/start`.
#[utoipa::path(
    post, path = "/processes", tag = PROCESSES, operation_id = "registerProcess",
    request_body(content = Registration, example = json!({
        "id": "web", "name": "web", "command": "python3", "args": ["-m", "http.server", "8000"]
    })),
    responses(
        (status = 200, body = Accepted),
        (status = 409, body = ErrorBody, description = "The id is taken"),
    )
)]
pub async fn register(
    State(handle): State<Handle>,
    asking: Asking,
    JsonBody(registration): JsonBody<Registration>,
) -> Answer<Accepted> {
    let mut entry = asking.admit(registration, &handle).await?;
    let id = entry.id.clone();
    entry.registered_at = Some(process_monitor_host::clock::wall());
    handle.command(Command::Add(Arc::new(entry))).await?;
    Ok(Json(Accepted::registered(id)))
}

/// Change the configuration of a process
///
/// A JSON merge patch (RFC 7396): the fields that are to be different, `null` for those that are to have their
/// default again. A live run keeps the old ones until it is restarted; the answer says whether it takes that.
#[utoipa::path(
    patch, path = "/processes/{id}", tag = PROCESSES, operation_id = "changeProcess", params(Id),
    request_body(content((EntryPatch = "application/json"), (EntryPatch = "application/merge-patch+json"))),
    responses((status = 200, body = Accepted))
)]
pub async fn change(
    State(handle): State<Handle>,
    Id(id): Id,
    asking: Asking,
    PatchBody(patch): PatchBody,
) -> Answer<Accepted> {
    let view = handle.view(&id).ok_or_else(|| ApiError::no_such_process(&id))?;
    let untrusted_peer = asking.admit_change(&patch, &view.entry, &handle).await?;
    let done = handle.command(Command::Change { id: id.clone(), patch, untrusted_peer }).await?;
    Ok(Json(changed(&id, done)))
}

fn changed(id: &ProcessId, done: Done) -> Accepted {
    let fields = done.restart_for.join(", ");
    let message = (!fields.is_empty()).then(|| {
        format!("{id} runs on as before; restart it to take up {fields}: POST /processes/{id}/restart")
    });
    Accepted {
        restart_needed: Some(message.is_some()),
        restart_fields: done.restart_for.into_iter().map(str::to_owned).collect(),
        message,
        ..Accepted::state(done.state)
    }
}

/// Stop a process and forget it
///
/// Its output stays.
#[utoipa::path(
    delete, path = "/processes/{id}", tag = PROCESSES, operation_id = "deregisterProcess", params(Id),
    responses((status = 200, body = Accepted))
)]
pub async fn deregister(State(handle): State<Handle>, Id(id): Id) -> Answer<Accepted> {
    handle.command(Command::Remove(id)).await?;
    Ok(Json(Accepted::new()))
}

/// Start a process
///
/// A success also when it runs already.
#[utoipa::path(
    post, path = "/processes/{id}/start", tag = PROCESSES, operation_id = "startProcess", params(Id, StartQuery),
    responses(
        (status = 200, body = Accepted),
        (status = 409, body = ErrorBody, description = "It is disabled, could not be started, or did not become ready"),
    )
)]
pub async fn start(State(handle): State<Handle>, Id(id): Id, query: StartQuery) -> Answer<Accepted> {
    let StartQuery { wait, timeout_ms } = query;
    let answer = |done| started(done, wait);
    Ok(Json(within(timeout_ms, &handle, Command::Start { id, wait }, answer).await?))
}

/// Stop a process, then start it
///
/// Its attempts count from 0 again.
#[utoipa::path(
    post, path = "/processes/{id}/restart", tag = PROCESSES, operation_id = "restartProcess", params(Id, StartQuery),
    responses(
        (status = 200, body = Accepted),
        (status = 409, body = ErrorBody, description = "It is disabled, could not be started, or did not become ready"),
    )
)]
pub async fn restart(State(handle): State<Handle>, Id(id): Id, query: StartQuery) -> Answer<Accepted> {
    let StartQuery { wait, timeout_ms } = query;
    let answer = |done| started(done, wait);
    Ok(Json(within(timeout_ms, &handle, Command::Restart { id, wait }, answer).await?))
}

/// What is answered to a start or restart.
pub(super) fn started(done: Done, wait: Wait) -> Accepted {
    match wait {
        // SPEC 5.2 promises it to those who don't wait, whatever state it is in by now.
        Wait::Accepted => Accepted::state(ProcessState::Starting),
        Wait::Ready => Accepted::state(done.state),
        Wait::Exit => Accepted { last_exit: done.last_exit, ..Accepted::state(done.state) },
    }
}

/// Stop a process
///
/// Answers when it has stopped, with everything that it started, or after `timeoutMs`.
#[utoipa::path(
    post, path = "/processes/{id}/stop", tag = PROCESSES, operation_id = "stopProcess", params(Id, StopQuery),
    responses(
        (status = 200, body = Accepted),
        (status = 409, body = ErrorBody, description = "Another command overtook this one"),
    )
)]
pub async fn stop(State(handle): State<Handle>, Id(id): Id, query: StopQuery) -> Answer<Accepted> {
    let StopQuery { wait, timeout_ms } = query;
    let answer = |done| stopped(done, wait);
    Ok(Json(within(timeout_ms, &handle, Command::Stop(id), answer).await?))
}

/// What is answered to a stop.
pub(super) fn stopped(done: Done, wait: Option<StopWait>) -> Accepted {
    Accepted { last_exit: done.last_exit.filter(|_| wait.is_some()), ..Accepted::state(done.state) }
}

/// Send a signal to a process
///
/// Changes nothing of what is wanted of it: when the signal ends it, its restart policy follows.
#[utoipa::path(
    post, path = "/processes/{id}/signal", tag = PROCESSES, operation_id = "signalProcess", params(Id),
    request_body = SignalBody,
    responses(
        (status = 200, body = Accepted),
        (status = 409, body = ErrorBody, description = "It does not run"),
    )
)]
pub async fn signal(
    State(handle): State<Handle>,
    Id(id): Id,
    JsonBody(body): JsonBody<SignalBody>,
) -> Answer<Accepted> {
    let SignalBody { signal, group } = body;
    let done = handle.command(Command::Signal { id, signal, group }).await?;
    Ok(Json(Accepted::state(done.state)))
}

/// Allow a process to be started
///
/// Does not start it.
#[utoipa::path(
    post, path = "/processes/{id}/enable", tag = PROCESSES, operation_id = "enableProcess", params(Id),
    responses((status = 200, body = Accepted))
)]
pub async fn enable(State(handle): State<Handle>, Id(id): Id) -> Answer<Accepted> {
    handle.command(Command::Enable(id)).await?;
    Ok(Json(Accepted::new()))
}

/// Stop a process and keep it from being started
#[utoipa::path(
    post, path = "/processes/{id}/disable", tag = PROCESSES, operation_id = "disableProcess", params(Id),
    responses((status = 200, body = Accepted))
)]
pub async fn disable(State(handle): State<Handle>, Id(id): Id) -> Answer<Accepted> {
    handle.command(Command::Disable(id)).await?;
    Ok(Json(Accepted::new()))
}

/// Set whether a process starts with the monitor
#[utoipa::path(
    put, path = "/processes/{id}/autostart", tag = PROCESSES, operation_id = "setAutostart", params(Id),
    request_body = AutostartBody,
    responses((status = 200, body = Accepted))
)]
pub async fn autostart(
    State(handle): State<Handle>,
    Id(id): Id,
    JsonBody(body): JsonBody<AutostartBody>,
) -> Answer<Accepted> {
    handle.command(Command::Autostart(id, body.autostart)).await?;
    Ok(Json(Accepted::new()))
}
