//! `/processes…`

use super::body::JsonBody;
use super::error::ApiError;
use crate::daemon::Handle;
use axum::Json;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use process_monitor_client::api::{
    Accepted, AutostartBody, Problem, ProcessList, ProcessStatus, SignalBody, Wait, WaitQuery,
};
use process_monitor_core::engine::Command;
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::{ProcessState, Registration};
use std::sync::Arc;

type Answer<T> = Result<Json<T>, ApiError>;

/// The `{id}` of the path.
pub struct Id(ProcessId);

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

pub async fn list(State(handle): State<Handle>) -> Json<ProcessList> {
    Json(ProcessList { processes: handle.statuses().await })
}

pub async fn status(State(handle): State<Handle>, Id(id): Id) -> Answer<ProcessStatus> {
    handle.status(&id).await.map(Json).ok_or_else(|| ApiError::no_such_process(&id))
}

pub async fn register(
    State(handle): State<Handle>,
    JsonBody(Registration(mut entry)): JsonBody<Registration>,
) -> Answer<Accepted> {
    let id = entry.id.clone();
    entry.registered_at = Some(process_monitor_host::clock::wall());
    handle.command(Command::Add(Arc::new(entry))).await?;
    Ok(Json(Accepted::registered(id)))
}

pub async fn deregister(State(handle): State<Handle>, Id(id): Id) -> Answer<Accepted> {
    handle.command(Command::Remove(id)).await?;
    Ok(Json(Accepted::new()))
}

pub async fn start(State(handle): State<Handle>, Id(id): Id, Waiting(wait): Waiting) -> Answer<Accepted> {
    started(handle.command(Command::Start { id, wait }).await?, wait)
}

pub async fn restart(State(handle): State<Handle>, Id(id): Id, Waiting(wait): Waiting) -> Answer<Accepted> {
    started(handle.command(Command::Restart { id, wait }).await?, wait)
}

/// SPEC 5.2 promises `starting` to those who don't wait, whatever state it is in by now.
fn started(state: ProcessState, wait: bool) -> Answer<Accepted> {
    Ok(Json(Accepted::state(if wait { state } else { ProcessState::Starting })))
}

pub async fn stop(State(handle): State<Handle>, Id(id): Id) -> Answer<Accepted> {
    let state = handle.command(Command::Stop(id)).await?;
    Ok(Json(Accepted::state(state)))
}

/// Sends a signal to a process that runs, and changes nothing of what is wanted of it.
pub async fn signal(
    State(handle): State<Handle>,
    Id(id): Id,
    JsonBody(body): JsonBody<SignalBody>,
) -> Answer<Accepted> {
    let SignalBody { signal, group } = body;
    let state = handle.command(Command::Signal { id, signal, group }).await?;
    Ok(Json(Accepted::state(state)))
}

pub async fn enable(State(handle): State<Handle>, Id(id): Id) -> Answer<Accepted> {
    handle.command(Command::Enable(id)).await?;
    Ok(Json(Accepted::new()))
}

pub async fn disable(State(handle): State<Handle>, Id(id): Id) -> Answer<Accepted> {
    handle.command(Command::Disable(id)).await?;
    Ok(Json(Accepted::new()))
}

pub async fn autostart(
    State(handle): State<Handle>,
    Id(id): Id,
    JsonBody(body): JsonBody<AutostartBody>,
) -> Answer<Accepted> {
    handle.command(Command::Autostart(id, body.autostart)).await?;
    Ok(Json(Accepted::new()))
}
