//! From a request to its answer.

use crate::Health;
use crate::callback::{Failure, Places, Shared, outcome};
use crate::limits::Limits;
use crate::route::{Reply, Request, Route, Routes, Target};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// What a status callback gives: an object, or why there is none.
pub(crate) type Status = Result<Map<String, Value>, String>;

/// Everything that answering takes.
pub(crate) struct Answers {
    pub(crate) health: Arc<Shared<Health>>,
    pub(crate) status: Shared<Status>,
    pub(crate) routes: Routes,
    pub(crate) places: Places,
    pub(crate) limits: Limits,
    /// How many more handlers of custom routes may run at a time.
    pub(crate) handlers: Arc<Semaphore>,
}

impl Answers {
    /// Answers one request; nothing that a client or a callback does makes this fail.
    pub(crate) async fn answer(&self, request: hyper::Request<Incoming>) -> Response<Full<Bytes>> {
        let request = match self.read(request).await {
            Ok(request) => request,
            Err(refusal) => return response(refusal),
        };
        match self.routes.find(&request.method, request.path()) {
            Target::Health => response(self.health().await),
            Target::Status => response(self.status().await),
            Target::Custom(route) => self.custom(route, request).await,
            Target::OtherMethod(allowed) => {
                let message = format!("{} {} is not offered; {allowed} is", request.method, request.path());
                with_header(Reply::error(StatusCode::METHOD_NOT_ALLOWED, message), ALLOW, &allowed)
            }
            Target::Nothing => {
                let message = format!("there is nothing at {}; try /health or /status", request.path());
                response(Reply::error(StatusCode::NOT_FOUND, message))
            }
        }
    }

    /// Reads the body, even if nobody wants it: a connection that is closed on unread bytes is reset, and its client
    /// would lose the answer.
    async fn read(&self, request: hyper::Request<Incoming>) -> Result<Request, Reply> {
        let (head, body) = request.into_parts();
        let most = self.limits.body_bytes;
        let body = match timeout(self.limits.read_time, Limited::new(body, most).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                let message = format!("the body is longer than {most} bytes");
                return Err(Reply::error(StatusCode::PAYLOAD_TOO_LARGE, message));
            }
            Ok(Err(error)) => {
                let message = format!("the body cannot be read: {error}");
                return Err(Reply::error(StatusCode::BAD_REQUEST, message));
            }
            Err(_) => return Err(Reply::error(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
        };
        Ok(Request { method: head.method, uri: head.uri, headers: head.headers, body })
    }

    async fn health(&self) -> Reply {
        let health = health_of(&self.health, &self.places).await;
        let status = if health.is_healthy() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        Reply::json(&health.into_json(timestamp())).with_status(status)
    }

    async fn status(&self) -> Reply {
        let (mut fields, status) = match self.status.ask(&self.places).await {
            Ok(Ok(fields)) => (fields, StatusCode::OK),
            Ok(Err(message)) => (error_field(message), StatusCode::INTERNAL_SERVER_ERROR),
            Err(failure) => (error_field(format!("the status callback {failure}")), status_of(&failure)),
        };
        // Also in a failure: who started the program may want its pid most when it is not well.
        fields.insert("timestamp".into(), timestamp().into());
        fields.insert("pid".into(), std::process::id().into());
        Reply::json(&Value::Object(fields)).with_status(status)
    }

    async fn custom(&self, route: &Route, request: Request) -> Response<Full<Bytes>> {
        let Ok(permit) = Arc::clone(&self.handlers).try_acquire_owned() else {
            let message = "too many custom routes are being answered; try again later";
            return with_header(Reply::error(StatusCode::SERVICE_UNAVAILABLE, message), RETRY_AFTER, "1");
        };
        match outcome(route.handler.launch(request, &self.places, permit)).await {
            Ok(reply) => response(reply),
            Err(failure) => {
                let message = format!("the handler of {} {} {failure}", route.method, route.path);
                response(Reply::error(status_of(&failure), message))
            }
        }
    }
}

/// What the health callback says, or that it says nothing.
pub(crate) async fn health_of(health: &Shared<Health>, places: &Places) -> Health {
    match health.ask(places).await {
        Ok(health) => health,
        Err(failure) => Health::unhealthy(format!("the health callback {failure}")),
    }
}

/// A panic is the program's mistake; the others may pass.
fn status_of(failure: &Failure) -> StatusCode {
    match failure {
        Failure::Panicked(_) => StatusCode::INTERNAL_SERVER_ERROR,
        Failure::Late(_) | Failure::Gone => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn error_field(message: String) -> Map<String, Value> {
    Map::from_iter([("error".to_owned(), Value::from(message))])
}

/// Now: ISO 8601 in UTC, to the millisecond.
fn timestamp() -> String {
    // Years that ISO 8601 cannot write are no clock's; the epoch then says that the clock is wrong.
    format!("{:.3}", jiff::Timestamp::try_from(SystemTime::now()).unwrap_or(jiff::Timestamp::UNIX_EPOCH))
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let Ok(content_type) = HeaderValue::try_from(&reply.content_type) else {
        let message =
            format!("the handler gave a content type that cannot be sent: {:?}", reply.content_type);
        return response(Reply::error(StatusCode::INTERNAL_SERVER_ERROR, message));
    };
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = reply.status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    // Yesterday's health is of no use to anybody.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn with_header(reply: Reply, name: hyper::header::HeaderName, value: &str) -> Response<Full<Bytes>> {
    let mut response = response(reply);
    // Methods and numbers are always valid values.
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}
