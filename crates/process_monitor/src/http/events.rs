//! `GET /events`: what happens, as server-sent events (HTML standard, 9.2). Ends when the monitor does; a client
//! that comes back with `Last-Event-ID` goes on where it was.

use super::error::ApiError;
use super::openapi::EVENTS;
use crate::daemon::Handle;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::Stream;
use futures_util::stream;
use process_monitor_client::api::Problem;
use process_monitor_core::id::ProcessId;
use serde::Deserialize;
use std::time::Duration;
use utoipa::IntoParams;

/// So often something is sent, so that either side notices when the other is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The query of `GET /events`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct EventsQuery {
    /// Only what happens to this process.
    #[param(inline)]
    process: Option<ProcessId>,
    /// As the header, for clients that cannot set it.
    last_event_id: Option<String>,
}

/// What happens, as it happens
///
/// A stream of server-sent events that ends when the monitor does. The data of each is a `ProcessEvent`; its `id`, sent
/// back as `Last-Event-ID`, resumes the stream after it. An event `missed` says that some are too long ago.
#[utoipa::path(
    get, path = "/events", tag = EVENTS, operation_id = "streamEvents",
    params(
        EventsQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that was seen"),
    ),
    responses((status = 200, body = String, content_type = "text/event-stream"))
)]
pub async fn events(
    State(handle): State<Handle>,
    headers: HeaderMap,
    query: Result<Query<EventsQuery>, QueryRejection>,
) -> Result<Sse<impl Stream<Item = Result<Event, axum::Error>>>, ApiError> {
    let Query(query) = query.map_err(|rejection| {
        ApiError::invalid(vec![Problem { path: String::new(), message: rejection.body_text() }])
    })?;
    let header = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let listener = handle.events().listen(header.or(query.last_event_id).as_deref());
    let wanted = query.process;
    let stream = stream::unfold((listener, wanted), |(mut listener, wanted)| async move {
        loop {
            let event = listener.next().await?;
            if wanted.is_none() || event.process.is_none() || event.process == wanted {
                let sent = Event::default().id(&event.id).event(event.kind.name()).json_data(&*event);
                return Some((sent, (listener, wanted)));
            }
        }
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}
