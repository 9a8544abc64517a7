//! An error's HTTP status and body: the one place that knows.

use crate::daemon::{CommandError, ConfigureError, NotFollowed};
use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use process_monitor_client::api::{ErrorBody, ErrorCode, Problem};
use process_monitor_core::engine::Refusal;
use process_monitor_core::health::shown;
use process_monitor_core::id::{InvalidId, ProcessId};
use process_monitor_core::reading::Unreadable;
use process_monitor_host::files::FileError;
use std::time::Duration;

/// After so many seconds who asked too much may ask again, where nobody knows better.
const ASK_AGAIN: &str = "5";

/// What is answered instead of a success.
#[derive(Debug)]
pub struct ApiError(ErrorBody);

impl ApiError {
    /// The body is not JSON.
    pub fn malformed(why: impl Into<String>) -> Self {
        Self(ErrorBody::new(ErrorCode::Malformed, why))
    }

    /// The body is JSON, but its values are wrong.
    pub fn invalid(problems: Vec<Problem>) -> Self {
        Self(ErrorBody::invalid(problems))
    }

    /// What should not happen.
    pub fn internal(why: impl Into<String>) -> Self {
        Self(ErrorBody::new(ErrorCode::Internal, why))
    }

    /// The body is larger than is allowed.
    pub fn too_large(limit: usize) -> Self {
        Self(ErrorBody::new(ErrorCode::TooLarge, format!("the body is larger than {limit} bytes")))
    }

    /// The body takes too long to arrive.
    pub fn too_slow(limit: Duration) -> Self {
        let error = format!("the body did not arrive within {} s; send it again", limit.as_secs());
        Self(ErrorBody::new(ErrorCode::TooSlow, error))
    }

    /// The body is of another type than JSON.
    pub fn not_json(found: &str, wanted: &[&str]) -> Self {
        let wanted = wanted.join(" or ");
        let found = shown(found);
        let error = format!("the body must be sent as content-type {wanted} (in UTF-8), not {found}");
        Self(ErrorBody::new(ErrorCode::UnsupportedMediaType, error))
    }

    /// The peer may not do this.
    pub fn forbidden(why: impl Into<String>) -> Self {
        Self(ErrorBody::new(ErrorCode::Forbidden, why))
    }

    /// The token is none.
    pub fn unauthorized(why: impl Into<String>) -> Self {
        Self(ErrorBody::new(ErrorCode::Unauthorized, why))
    }

    /// The peer asks too much.
    pub fn rate_limited(why: impl Into<String>) -> Self {
        Self(ErrorBody::new(ErrorCode::RateLimited, why))
    }

    /// The peer may do this, but not with these values.
    pub fn not_admitted(problems: Vec<process_monitor_core::model::Problem>) -> Self {
        let invalid = ErrorBody::invalid(problems.into_iter().map(Problem::from).collect());
        Self(ErrorBody { code: ErrorCode::Forbidden, ..invalid })
    }

    /// Whether the peer has asked for what it may not have.
    pub fn is_denial(&self) -> bool {
        matches!(self.0.code, ErrorCode::Unauthorized | ErrorCode::Forbidden | ErrorCode::RateLimited)
    }

    /// What is wrong, in words.
    pub fn words(&self) -> String {
        self.0.error.clone()
    }

    /// There is no token with this id.
    pub fn no_such_token(id: &str) -> Self {
        Self(ErrorBody::new(
            ErrorCode::NotFound,
            format!("there is no token {id:?}; GET /config/tokens lists them"),
        ))
    }

    /// The system gave no random bits.
    pub fn no_randomness(why: &std::io::Error) -> Self {
        Self(ErrorBody::new(ErrorCode::StorageFailed, format!("no token can be made: {why}; try again")))
    }

    /// There is no process with this id.
    pub fn no_such_process(id: &ProcessId) -> Self {
        Refusal::NotFound { id: id.clone() }.into()
    }

    /// The id in the path breaks the rule of ids.
    pub fn bad_id(why: &InvalidId) -> Self {
        Self(ErrorBody::invalid(vec![Problem { path: "id".into(), message: why.to_string() }]))
    }

    /// Everything that is wrong, if that is what it says.
    #[cfg(test)]
    pub fn problems(&self) -> &[Problem] {
        &self.0.problems
    }

    /// What is answered.
    pub fn into_body(self) -> ErrorBody {
        self.0
    }

    fn about(self, id: ProcessId) -> Self {
        Self(self.0.about(id))
    }

    /// The process has no such run.
    pub fn no_such_run(id: &ProcessId, run: &str) -> Self {
        let error = format!("{id} has no run {run}; it may have been deleted as one of the oldest");
        Self(ErrorBody::new(ErrorCode::NotFound, error))
    }

    /// Nothing of what a process prints is kept.
    pub fn output_discarded(id: &ProcessId) -> Self {
        let error = format!(
            "the output of {id} is discarded, so nobody knows what it prints; set its field output to \"capture\" (PATCH \
             /processes/{id}) and restart it"
        );
        Self(ErrorBody::new(ErrorCode::OutputDiscarded, error).about(id.clone()))
    }

    /// What a process printed cannot be read.
    pub fn unreadable(id: &ProcessId, why: &FileError) -> Self {
        Self(ErrorBody::new(ErrorCode::StorageFailed, format!("cannot read what {id} printed: {why}")))
    }

    /// As many read output as may.
    pub fn too_many_readers() -> Self {
        let error = "too many are reading what programs print; try again when some have ended";
        Self(ErrorBody::new(ErrorCode::RateLimited, error))
    }

    /// There is no such path.
    pub fn no_such_path(uri: &Uri) -> Self {
        Self(ErrorBody::new(ErrorCode::NotFound, format!("there is nothing at {}", uri.path())))
    }

    /// The path exists, for other methods; the router adds `Allow`.
    pub fn method_not_allowed(method: &Method, uri: &Uri) -> Self {
        let error = format!("{} does not take {method}; the header Allow says what it takes", uri.path());
        Self(ErrorBody::new(ErrorCode::MethodNotAllowed, error))
    }
}

impl From<Unreadable> for ApiError {
    fn from(why: Unreadable) -> Self {
        match why {
            Unreadable::NotJson(syntax) => Self::malformed(format!("the body, {syntax}")),
            Unreadable::Invalid(problems) => Self::invalid(problems.into_iter().map(Problem::from).collect()),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let error = refusal.to_string();
        let (code, id) = match refusal {
            Refusal::NotFound { id } => (ErrorCode::ProcessNotFound, Some(id)),
            Refusal::AlreadyExists { id } => (ErrorCode::AlreadyExists, Some(id)),
            Refusal::Disabled { id } => (ErrorCode::ProcessDisabled, Some(id)),
            Refusal::NotUp { id } => (ErrorCode::NotUp, Some(id)),
            Refusal::BeingRemoved { id } => (ErrorCode::Superseded, Some(id)),
            // The client's sentence names the process itself, so only the reason goes out.
            Refusal::NotStarted { id, why } => {
                return Self(ErrorBody::new(ErrorCode::StartFailed, why).about(id));
            }
            Refusal::Invalid { id, problems } => return Self::from(Unreadable::Invalid(problems)).about(id),
            Refusal::ShuttingDown => (ErrorCode::Stopping, None),
        };
        let body = ErrorBody::new(code, error);
        Self(match id {
            Some(id) => body.about(id),
            None => body,
        })
    }
}

impl From<NotFollowed> for ApiError {
    fn from(error: NotFollowed) -> Self {
        let code = match error {
            NotFollowed::Stopping => ErrorCode::Stopping,
            NotFollowed::Rehearsal(_) | NotFollowed::Thread(_) => ErrorCode::RehearsalFailed,
        };
        Self(ErrorBody::new(code, error.to_string()))
    }
}

impl From<CommandError> for ApiError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Refused(refusal) => refusal.into(),
            CommandError::NotSaved(_) => Self(ErrorBody::new(ErrorCode::StorageFailed, error.to_string())),
            CommandError::Followed => Self(ErrorBody::new(ErrorCode::Restarting, error.to_string())),
            CommandError::Ended => Self(ErrorBody::new(ErrorCode::Stopping, error.to_string())),
        }
    }
}

impl From<ConfigureError> for ApiError {
    fn from(error: ConfigureError) -> Self {
        match error {
            ConfigureError::Invalid(problems) => {
                Self::invalid(problems.into_iter().map(Into::into).collect())
            }
            ConfigureError::NotSaved(why) => CommandError::NotSaved(why).into(),
        }
    }
}

fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::Malformed | ErrorCode::Invalid => StatusCode::BAD_REQUEST,
        ErrorCode::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden => StatusCode::FORBIDDEN,
        ErrorCode::NotFound | ErrorCode::ProcessNotFound => StatusCode::NOT_FOUND,
        ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::AlreadyExists
        | ErrorCode::ProcessDisabled
        | ErrorCode::NotUp
        | ErrorCode::OutputDiscarded
        | ErrorCode::StartFailed
        | ErrorCode::Superseded
        | ErrorCode::RehearsalFailed
        | ErrorCode::Unsupported => StatusCode::CONFLICT,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::TooSlow => StatusCode::REQUEST_TIMEOUT,
        ErrorCode::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Stopping | ErrorCode::Restarting | ErrorCode::LockTimeout | ErrorCode::StorageFailed => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = status_of(self.0.code);
        let again = match self.0.code {
            // Whoever asks again then is taken by the image that follows, also before it serves.
            ErrorCode::Restarting => Some("1"),
            _ => (status == StatusCode::TOO_MANY_REQUESTS).then_some(ASK_AGAIN),
        };
        (status, again.map(|seconds| [(RETRY_AFTER, seconds)]), Json(self.0)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ErrorCode::*;

    /// What a client can cause, whatever it sends, is never told as a fault of ours: that is for bugs alone.
    #[test]
    fn nothing_that_a_client_can_cause_is_500() {
        let caused = [
            Malformed,
            Invalid,
            Unauthorized,
            Forbidden,
            NotFound,
            ProcessNotFound,
            MethodNotAllowed,
            AlreadyExists,
            ProcessDisabled,
            NotUp,
            OutputDiscarded,
            StartFailed,
            Superseded,
            TooLarge,
            TooSlow,
            UnsupportedMediaType,
            RateLimited,
            Stopping,
            Restarting,
            LockTimeout,
            StorageFailed,
            Unsupported,
        ];
        for code in caused {
            let status = status_of(code);
            let ours = status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE;
            assert!(!ours && !status.is_success(), "{code:?} is {status}");
        }
        assert_eq!(status_of(Internal), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn who_asks_too_much_is_told_when_to_ask_again() {
        for error in [ApiError::too_many_readers(), ApiError::rate_limited("too often")] {
            let response = error.into_response();
            let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            assert_eq!((response.status().as_u16(), seconds), (429, Some(ASK_AGAIN)));
        }
    }

    #[test]
    fn every_refusal_is_told_as_what_a_client_can_mend() {
        let id = || ProcessId::new("web").unwrap();
        let problems = vec![process_monitor_core::model::Problem::new("command", "is wrong")];
        let refusals = [
            (Refusal::NotFound { id: id() }, 404),
            (Refusal::AlreadyExists { id: id() }, 409),
            (Refusal::Disabled { id: id() }, 409),
            (Refusal::NotUp { id: id() }, 409),
            (Refusal::BeingRemoved { id: id() }, 409),
            (Refusal::NotStarted { id: id(), why: "no such file".to_owned() }, 409),
            (Refusal::Invalid { id: id(), problems }, 400),
            (Refusal::ShuttingDown, 503),
        ];
        for (refusal, status) in refusals {
            let about = !matches!(refusal, Refusal::ShuttingDown);
            let ApiError(body) = refusal.clone().into();
            assert_eq!(
                (status_of(body.code).as_u16(), body.process_id.is_some()),
                (status, about),
                "{refusal}"
            );
        }
    }
}
