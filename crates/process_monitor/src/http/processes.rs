//! `/processes…`

use super::body::JsonBody;
use super::error::ApiError;
use super::openapi::PROCESSES;
use crate::daemon::Handle;
use axum::Json;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use process_monitor_client::api::{
    Accepted, AutostartBody, ErrorBody, Problem, ProcessList, ProcessStatus, SignalBody, Wait, WaitQuery,
};
use process_monitor_core::engine::Command;
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::{ProcessState, Registration};
use std::sync::Arc;
use utoipa::IntoParams;

type Answer<T> = Result<Json<T>, ApiError>;

/// The `{id}` of the path.
#[derive(IntoParams)]
#[into_params(names("id"), parameter_in = Path)]
pub struct Id(
    /// Which process.
    #[param(inline)]
    ProcessId,
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

/// The query `?wait=…`.
pub struct Waiting(bool);

impl<S: Send + Sync> FromRequestParts<S> for Waiting {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(WaitQuery { wait }) = Query::from_request_parts(parts, state).await.map_err(
            |rejection: axum::extract::rejection::QueryRejection| {
                ApiError::invalid(vec![Problem { path: "wait".into(), message: rejection.body_text() }])
            },
        )?;
        Ok(Self(wait == Wait::Ready))
    }
}

/// Every process
///
/// In the order of registration.
#[utoipa::path(
    get, path = "/processes", tag = PROCESSES, operation_id = "listProcesses",
    responses((status = 200, body = ProcessList))
)]
pub async fn list(State(handle): State<Handle>) -> Json<ProcessList> {
    Json(ProcessList { processes: handle.statuses().await })
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
    JsonBody(Registration(mut entry)): JsonBody<Registration>,
) -> Answer<Accepted> {
    let id = entry.id.clone();
    entry.registered_at = Some(process_monitor_host::clock::wall());
    handle.command(Command::Add(Arc::new(entry))).await?;
    Ok(Json(Accepted::registered(id)))
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
    post, path = "/processes/{id}/start", tag = PROCESSES, operation_id = "startProcess", params(Id, WaitQuery),
    responses(
        (status = 200, body = Accepted),
        (status = 409, body = ErrorBody, description = "It is disabled, could not be started, or did not become ready"),
    )
)]
pub async fn start(State(handle): State<Handle>, Id(id): Id, Waiting(wait): Waiting) -> Answer<Accepted> {
    started(handle.command(Command::Start { id, wait }).await?, wait)
}

/// Stop a process, then start it
///
/// Its attempts count from 0 again.
#[utoipa::path(
    post, path = "/processes/{id}/restart", tag = PROCESSES, operation_id = "restartProcess", params(Id, WaitQuery),
    responses(
        (status = 200, body = Accepted),
        (status = 409, body = ErrorBody, description = "It is disabled, could not be started, or did not become ready"),
    )
)]
pub async fn restart(State(handle): State<Handle>, Id(id): Id, Waiting(wait): Waiting) -> Answer<Accepted> {
    started(handle.command(Command::Restart { id, wait }).await?, wait)
}

/// SPEC 5.2 promises `starting` to those who don't wait, whatever state it is in by now.
fn started(state: ProcessState, wait: bool) -> Answer<Accepted> {
    Ok(Json(Accepted::state(if wait { state } else { ProcessState::Starting })))
}

/// Stop a process
///
/// Answers when it has stopped, with everything that it started.
#[utoipa::path(
    post, path = "/processes/{id}/stop", tag = PROCESSES, operation_id = "stopProcess", params(Id),
    responses(
        (status = 200, body = Accepted),
        (status = 409, body = ErrorBody, description = "Another command overtook this one"),
    )
)]
pub async fn stop(State(handle): State<Handle>, Id(id): Id) -> Answer<Accepted> {
    let state = handle.command(Command::Stop(id)).await?;
    Ok(Json(Accepted::state(state)))
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
    let state = handle.command(Command::Signal { id, signal, group }).await?;
    Ok(Json(Accepted::state(state)))
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
