//! `GET /processes/{id}/logs`: what a program printed and prints, as bytes, JSON lines or server-sent events.
//!
//! | file | what |
//! | --- | --- |
//! | `reading` | reading files off the async thread, and waiting for more |
//! | `encode` | the three forms |
//!
//! A reader has no thread and no lock, and while nothing is printed no open file. One that is slow holds one
//! batch and what the connection buffers; what it does not take is read from the files when it does.

mod encode;
mod reading;

pub use reading::OutputDesk;

use super::error::ApiError;
use super::guard::Asking;
use super::openapi::PROCESSES;
use super::processes::Id;
use super::query::Fields;
use crate::daemon::Handle;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use encode::{Encoder, Form};
use futures_util::stream;
use process_monitor_client::api::{ErrorBody, LogFormat, LogQuery, Problem};
use process_monitor_core::id::ProcessId;
use process_monitor_host::clock;
use process_monitor_host::files::FileError;
use process_monitor_host::output::names;
use process_monitor_host::output::read::{Runs, Selection};
use reading::{Output, Reading, Seat};

/// What it printed and prints
///
/// The last lines of its newest run that printed, both streams in the order of time; with `follow` also what comes, of
/// later runs, too. As bytes; or with `format=json` a `LogRecord` per line; or, for a client that accepts
/// `text/event-stream`, a `LogRecord` per event, whose `id`, sent back as `Last-Event-ID`, resumes the stream after it,
/// also when the monitor was restarted. A process that was removed is known as long as its logs are there. Of one whose
/// output is discarded there are those of earlier runs, if any was captured.
#[utoipa::path(
    get, path = "/processes/{id}/logs", tag = PROCESSES, operation_id = "readLogs",
    params(
        Id,
        ("stream" = Option<String>, Query, description = "`stdout`, `stderr` or `both`", pattern = "^(stdout|stderr|both)$"),
        ("tail" = Option<String>, Query, description = "How many lines, both streams together, or `all`: default 100, and all with `since`", pattern = "^([0-9]{1,9}|all)$"),
        ("since" = Option<String>, Query, description = "Only what was printed then or later: a time like `2026-01-24T10:30:00Z`, or how long ago, like `5m`"),
        ("follow" = Option<String>, Query, description = "`true`: also what is yet to be printed. Empty and `1` mean the same, `0` is `false`", pattern = "^(true|false|0|1)?$"),
        ("run" = Option<String>, Query, description = "`current`, `all`, or the name of a run's folder: default the newest that printed, and all with `since`", pattern = "^(current|all|[0-9]{8}_[0-9]{6}(_[1-9][0-9]{0,8})?)$"),
        ("format" = Option<String>, Query, description = "`text` or `json`", pattern = "^(text|json)$"),
        ("lastEventId" = Option<String>, Query, description = "As the header, for clients that cannot set it"),
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that was seen"),
    ),
    responses(
        (status = 200, content(
            (String = "text/plain"),
            (String = "application/x-ndjson"),
            (String = "text/event-stream"),
        )),
        (status = 404, body = ErrorBody, description = "There is no process with this id, or no such run"),
        (status = 409, body = ErrorBody, description = "Its output is discarded, and no earlier run's was captured"),
    )
)]
pub async fn logs(
    State(handle): State<Handle>,
    Id(id): Id,
    asking: Asking,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiError> {
    let query = query(&headers, &uri)?;
    let wrong_place = |message: String| Problem { path: "lastEventId".into(), message };
    let mut selection = query
        .selection(clock::wall())
        .map_err(|error| ApiError::invalid(vec![wrong_place(error.to_string())]))?;
    selection.begun = asking.sees_output_since(&id, &handle);
    let seat = handle.output().seat(asking.is_stranger()).ok_or_else(ApiError::too_many_readers)?;
    let form = form(&headers, query.format);
    let (opening, opened) = (handle.clone(), id.clone());
    let reading = reading::blocking(move || open(&opening, &opened, selection, seat)).await??;
    let events = handle.events().clone();
    let may = Box::new(move || asking.still_sees_output(&id, &handle));
    let output = Output::new(reading, Encoder::new(form), events, may);
    let body = Body::from_stream(stream::unfold(output, |mut output| async {
        let batch = output.next().await?;
        Some((batch, output))
    }));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(form.content_type())),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // What programs print is theirs: no browser shall guess that it is a page.
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    Ok((headers, body).into_response())
}

/// The query, with what the headers say.
fn query(headers: &HeaderMap, uri: &Uri) -> Result<LogQuery, ApiError> {
    let (mut query, mut fields) = (LogQuery::default(), Fields::of(uri)?);
    for name in LogQuery::FIELDS {
        fields.read(name, |value| query.set(name, value));
    }
    fields.end()?;
    let last = headers.get("last-event-id").map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
    Ok(LogQuery { after: last.or(query.after), ..query })
}

fn form(headers: &HeaderMap, format: LogFormat) -> Form {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|accepted| accepted.to_str().ok());
    let mut types = accepted.flat_map(|accepted| accepted.split(',')).map(|one| one.split(';').next());
    match format {
        _ if types.any(|one| one.is_some_and(|one| one.trim() == "text/event-stream")) => Form::Events,
        LogFormat::Json => Form::JsonLines,
        LogFormat::Text => Form::Text,
    }
}

/// A process that was removed is still known by its logs.
fn open(handle: &Handle, id: &ProcessId, selection: Selection, seat: Seat) -> Result<Reading, ApiError> {
    let unreadable = |error: FileError| ApiError::unreadable(id, &error);
    let layout = handle.layout();
    if !layout.process_logs(id).is_dir() {
        let view = handle.view(id).ok_or_else(|| ApiError::no_such_process(id))?;
        if !view.entry.output.is_captured() {
            return Err(ApiError::output_discarded(id));
        }
    }
    if let Runs::Named(run) = &selection.runs
        && !names::has_run(layout, id, run).map_err(unreadable)?
    {
        return Err(ApiError::no_such_run(id, run));
    }
    handle.output().read(layout, id, selection, seat).map_err(unreadable)
}
