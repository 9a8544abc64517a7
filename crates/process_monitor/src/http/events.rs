//! `GET /events`: what happens, as server-sent events (HTML standard, 9.2). Ends when the monitor does; a client
//! that comes back with `Last-Event-ID` goes on where it was.

use super::error::ApiError;
use super::openapi::EVENTS;
use super::query::Fields;
use crate::daemon::Handle;
use axum::extract::{FromRequestParts, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::Stream;
use futures_util::stream;
use process_monitor_core::id::ProcessId;
use std::time::Duration;
use utoipa::IntoParams;

/// So often something is sent, so that either side notices when the other is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The query of `GET /events`.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct EventsQuery {
    /// Only what happens to this process.
    #[param(inline)]
    process: Option<ProcessId>,
    /// As the header, for clients that cannot set it.
    last_event_id: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for EventsQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut fields = Fields::of(&parts.uri)?;
        let process = fields.read("process", |id| ProcessId::new(id).map_err(|why| why.to_string()));
        let last_event_id = fields.text("lastEventId");
        fields.end()?;
        Ok(Self { process, last_event_id })
    }
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
    query: EventsQuery,
) -> Result<Sse<impl Stream<Item = Result<Event, axum::Error>>>, ApiError> {
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
