//! `?wait=…&timeoutMs=…` of a start, stop or restart: how long its answer may be waited for.

use super::error::ApiError;
use super::query::Fields;
use crate::daemon::{CommandError, Handle};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use process_monitor_client::api::{Accepted, Wait};
use process_monitor_core::engine::{Command, Done};
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// The longest wait that can be asked for, in milliseconds; and how long a run's end is waited for by default.
const LONGEST_MS: u64 = 60 * 60 * 1000;

/// The query of a start or restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct StartQuery {
    /// When it is answered: `accepted` (default) at once, `ready` when it is up or known not to come up, `exit` when
    /// the run has ended, with `lastExit`.
    #[param(inline, required = false)]
    pub wait: Wait,
    /// How long that may take. Then it is answered with `timedOut`, and the command goes on. Default: for `exit` an
    /// hour, for `ready` as long as it takes.
    #[param(minimum = 1, maximum = 3_600_000)]
    pub timeout_ms: Option<u64>,
}

/// The query of a stop, which is answered when the process is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct StopQuery {
    /// `exit`: the answer tells how the run ended, in `lastExit`.
    #[param(inline)]
    pub wait: Option<StopWait>,
    /// How long that may take. Then it is answered with `timedOut`, and the stop goes on. Default as long as it takes.
    #[param(minimum = 1, maximum = 3_600_000)]
    pub timeout_ms: Option<u64>,
}

/// What a stop may be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "camelCase")]
pub enum StopWait {
    /// The end of its run.
    Exit,
}

impl<S: Sync> FromRequestParts<S> for StartQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut fields = Fields::of(&parts.uri)?;
        let words = [("accepted", Wait::Accepted), ("ready", Wait::Ready), ("exit", Wait::Exit)];
        let wait = fields.word("wait", &words);
        let timeout_ms = fields.number("timeoutMs", 1..=LONGEST_MS);
        if wait.unwrap_or_default() == Wait::Accepted && timeout_ms.is_some() {
            fields.wrong("timeoutMs", "nothing is waited for; say for what with wait=ready or wait=exit");
        }
        fields.end()?;
        let wait = wait.unwrap_or_default();
        let longest = (wait == Wait::Exit).then_some(LONGEST_MS);
        Ok(Self { wait, timeout_ms: timeout_ms.or(longest) })
    }
}

impl<S: Sync> FromRequestParts<S> for StopQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut fields = Fields::of(&parts.uri)?;
        let wait = fields.word("wait", &[("exit", StopWait::Exit)]);
        let timeout_ms = fields.number("timeoutMs", 1..=LONGEST_MS);
        fields.end()?;
        Ok(Self { wait, timeout_ms })
    }
}

/// Has `command` carried out, and waits no longer than `timeout_ms` for its answer.
///
/// # Errors
/// It was refused, or could not be saved.
pub async fn within(
    timeout_ms: Option<u64>,
    handle: &Handle,
    command: Command,
    answer: impl FnOnce(Done) -> Accepted,
) -> Result<Accepted, CommandError> {
    let id = command.id().clone();
    let done = handle.command(command);
    let Some(timeout_ms) = timeout_ms else { return done.await.map(answer) };
    match tokio::time::timeout(Duration::from_millis(timeout_ms), done).await {
        Ok(done) => done.map(answer),
        Err(_) => Ok(Accepted { state: handle.state(&id), timed_out: true, ..Accepted::new() }),
    }
}
