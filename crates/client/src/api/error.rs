//! How the API says no.

use process_monitor_core::id::ProcessId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What kind of error it is: the field by which programs tell errors apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// The request is not HTTP, or its body is not JSON.
    Malformed,
    /// The body is JSON, but not what the request needs; `problems` says where.
    Invalid,
    /// A token is missing or wrong.
    Unauthorized,
    /// The peer may not do this.
    Forbidden,
    /// There is no such path.
    NotFound,
    /// There is no process with this id.
    ProcessNotFound,
    /// The path exists, for other methods.
    MethodNotAllowed,
    /// The id is taken.
    AlreadyExists,
    /// The process is disabled, so it cannot be started.
    ProcessDisabled,
    /// The process does not run, so there is nobody to signal.
    NotUp,
    /// Nothing is kept of what it prints: its `output` is `discard`.
    OutputDiscarded,
    /// It could not be started, or did not become ready; `error` says why.
    StartFailed,
    /// Another command overtook this one (a stop while it waited for a start).
    Superseded,
    /// The body is larger than is allowed.
    TooLarge,
    /// The request did not arrive in time.
    TooSlow,
    /// The body is of another type than JSON.
    UnsupportedMediaType,
    /// Too many requests.
    RateLimited,
    /// The monitor is stopping.
    Stopping,
    /// Another image of the monitor takes over, under which what was asked for goes on; asked again, it tells what came of it.
    Restarting,
    /// Someone else held the registry's lock for too long.
    LockTimeout,
    /// The registry could not be written, so nothing was changed.
    StorageFailed,
    /// The monitor was not replaced, because the one that was to follow can't; `error` says why.
    RehearsalFailed,
    /// This monitor cannot do this.
    Unsupported,
    /// A bug of the monitor.
    Internal,
    /// A code that this version does not know.
    #[serde(other)]
    Unknown,
}

impl ErrorCode {
    /// The code as it stands in JSON.
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => name,
            _ => "unknown".to_owned(),
        }
    }
}

/// One thing that is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// JSON path of the value, like `restartPolicy.maxAttempts`; empty when it is the whole body.
    #[serde(default)]
    pub path: String,
    /// What is wrong with it, in words.
    pub message: String,
}

impl From<process_monitor_core::model::Problem> for Problem {
    fn from(problem: process_monitor_core::model::Problem) -> Self {
        Self { path: problem.path.to_string(), message: problem.message }
    }
}

/// The body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    /// What is wrong, in words.
    pub error: String,
    /// What kind of error it is.
    pub code: ErrorCode,
    /// The process that was asked for, with 404 and 409.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_id: Option<ProcessId>,
    /// JSON path of the first value that is wrong, with 400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Every value that is wrong, with 400.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}

impl ErrorBody {
    /// An error with words and nothing more.
    pub fn new(code: ErrorCode, error: impl Into<String>) -> Self {
        Self { error: error.into(), code, process_id: None, field: None, problems: Vec::new() }
    }

    /// The same, about process `id`.
    pub fn about(mut self, id: ProcessId) -> Self {
        self.process_id = Some(id);
        self
    }

    /// [`ErrorCode::Invalid`] with all its problems; `field` is the path of the first.
    pub fn invalid(problems: Vec<Problem>) -> Self {
        let error = match problems.as_slice() {
            [only] if only.path.is_empty() => only.message.clone(),
            [only] => format!("{}: {}", only.path, only.message),
            several => format!("{} values are wrong, see \"problems\"", several.len()),
        };
        let field = problems.first().map(|problem| problem.path.clone());
        Self { error, code: ErrorCode::Invalid, process_id: None, field, problems }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_only_what_it_has() {
        let id = ProcessId::new("web").unwrap();
        let body = ErrorBody::new(ErrorCode::ProcessNotFound, "no such process").about(id);
        let text = serde_json::to_string(&body).unwrap();
        assert_eq!(text, r#"{"error":"no such process","code":"process_not_found","processId":"web"}"#);
    }

    #[test]
    fn a_code_of_a_later_version_is_unknown_not_an_error() {
        let body: ErrorBody = serde_json::from_str(r#"{"error":"x","code":"of_tomorrow"}"#).unwrap();
        assert_eq!(body.code, ErrorCode::Unknown);
    }

    #[test]
    fn the_field_of_an_invalid_body_is_its_first_problem() {
        let problem = |path: &str| Problem { path: path.into(), message: "is wrong".into() };
        let one = ErrorBody::invalid(vec![problem("command")]);
        assert_eq!((one.error.as_str(), one.field.as_deref()), ("command: is wrong", Some("command")));
        let two = ErrorBody::invalid(vec![problem("args[0]"), problem("name")]);
        assert_eq!(two.field.as_deref(), Some("args[0]"));
        assert!(two.error.starts_with("2 values"));
    }
}
