//! `/batch/…`: one command for many processes. All are under way at the same time, and wait for the disk together.

use super::body::JsonBody;
use super::error::ApiError;
use super::guard::Asking;
use super::openapi::PROCESSES;
use super::processes::{started, stopped};
use super::waiting::{StartQuery, StopQuery, within};
use crate::daemon::Handle;
use axum::Json;
use axum::extract::State;
use futures_util::future::join_all;
use process_monitor_client::api::{Accepted, BatchBody, BatchResult, BatchResults};
use process_monitor_core::access::Operation;
use process_monitor_core::engine::{Command, Done};
use process_monitor_core::id::ProcessId;
use std::collections::HashSet;

/// Start many processes
///
/// Each as `POST /processes/{id}/start` does; answered when that is decided for all.
#[utoipa::path(
    post, path = "/batch/start", tag = PROCESSES, operation_id = "startProcesses", params(StartQuery),
    request_body(content = BatchBody, example = json!({ "ids": ["web", "worker"] })),
    responses((status = 200, body = BatchResults))
)]
pub async fn start(
    State(handle): State<Handle>,
    asking: Asking,
    query: StartQuery,
    JsonBody(body): JsonBody<BatchBody>,
) -> Json<BatchResults> {
    let StartQuery { wait, timeout_ms } = query;
    let batch = Batch { handle, asking, operation: Operation::Start, timeout_ms };
    batch.run(body, |id| Command::Start { id, wait }, |done| started(done, wait)).await
}

/// Stop many processes
///
/// Each as `POST /processes/{id}/stop` does; answered when all have stopped.
#[utoipa::path(
    post, path = "/batch/stop", tag = PROCESSES, operation_id = "stopProcesses", params(StopQuery),
    request_body(content = BatchBody, example = json!({ "ids": ["web", "worker"] })),
    responses((status = 200, body = BatchResults))
)]
pub async fn stop(
    State(handle): State<Handle>,
    asking: Asking,
    query: StopQuery,
    JsonBody(body): JsonBody<BatchBody>,
) -> Json<BatchResults> {
    let StopQuery { wait, timeout_ms } = query;
    let batch = Batch { handle, asking, operation: Operation::Stop, timeout_ms };
    batch.run(body, Command::Stop, |done| stopped(done, wait)).await
}

/// Stop many processes, then start them
///
/// Each as `POST /processes/{id}/restart` does; answered when that is decided for all.
#[utoipa::path(
    post, path = "/batch/restart", tag = PROCESSES, operation_id = "restartProcesses", params(StartQuery),
    request_body(content = BatchBody, example = json!({ "ids": ["web", "worker"] })),
    responses((status = 200, body = BatchResults))
)]
pub async fn restart(
    State(handle): State<Handle>,
    asking: Asking,
    query: StartQuery,
    JsonBody(body): JsonBody<BatchBody>,
) -> Json<BatchResults> {
    let StartQuery { wait, timeout_ms } = query;
    let batch = Batch { handle, asking, operation: Operation::Restart, timeout_ms };
    batch.run(body, |id| Command::Restart { id, wait }, |done| started(done, wait)).await
}

/// A command for many, and who gives it.
struct Batch {
    handle: Handle,
    asking: Asking,
    operation: Operation,
    timeout_ms: Option<u64>,
}

impl Batch {
    async fn run(
        &self,
        body: BatchBody,
        command: impl Fn(ProcessId) -> Command,
        answer: impl Fn(Done) -> Accepted,
    ) -> Json<BatchResults> {
        let every = body.ids.is_none();
        let ids = body.ids.map_or_else(|| self.handle.ids(), each_once);
        let one = async |id: &ProcessId| {
            let outcome = self.carry_out(id, command(id.clone()), &answer).await;
            result(id, outcome)
        };
        let results = join_all(ids.iter().map(one)).await;
        self.asking.about(summary(every, &ids, &results));
        Json(BatchResults { results })
    }

    /// The guard has let the request through, but for no process in particular.
    async fn carry_out(
        &self,
        id: &ProcessId,
        command: Command,
        answer: impl Fn(Done) -> Accepted,
    ) -> Result<Accepted, ApiError> {
        let view = self.handle.view(id).ok_or_else(|| ApiError::no_such_process(id))?;
        let settings = self.handle.settings();
        let may = self.asking.caller.may(self.operation, Some(&view.entry), &settings.remote_access);
        may.map_err(|denial| ApiError::forbidden(denial.to_string()))?;
        Ok(within(self.timeout_ms, &self.handle, command, answer).await?)
    }
}

/// Twice the same command for one process would be obeyed twice.
fn each_once(mut ids: Vec<ProcessId>) -> Vec<ProcessId> {
    let mut known = HashSet::new();
    ids.retain(|id| known.insert(id.clone()));
    ids
}

fn result(id: &ProcessId, outcome: Result<Accepted, ApiError>) -> BatchResult {
    match outcome {
        Ok(accepted) => BatchResult::Done(Accepted { process_id: Some(id.clone()), ..accepted }),
        Err(error) => BatchResult::Failed(error.into_body().about(id.clone())),
    }
}

/// For the log: which processes, and for which of them it failed.
fn summary(every: bool, ids: &[ProcessId], results: &[BatchResult]) -> String {
    let named =
        |ids: &mut dyn Iterator<Item = &ProcessId>| ids.map(ProcessId::as_str).collect::<Vec<_>>().join(", ");
    let failed = results.iter().filter(|result| matches!(result, BatchResult::Failed(_)));
    let failed = named(&mut failed.filter_map(BatchResult::id));
    let which = if every { format!("all {}", ids.len()) } else { named(&mut ids.iter()) };
    if failed.is_empty() { which } else { format!("{which} (failed: {failed})") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use process_monitor_core::engine::Refusal;

    #[test]
    fn the_log_names_those_for_which_it_failed() {
        let ids = ["a", "b"].map(|id| ProcessId::new(id).unwrap()).to_vec();
        let gone = || ApiError::from(Refusal::NotFound { id: ids[1].clone() });
        let good = vec![result(&ids[0], Ok(Accepted::new())), result(&ids[1], Ok(Accepted::new()))];
        let mixed = vec![result(&ids[0], Ok(Accepted::new())), result(&ids[1], Err(gone()))];
        assert_eq!(summary(false, &ids, &good), "a, b");
        assert_eq!(summary(true, &ids, &good), "all 2");
        assert_eq!(summary(true, &ids, &mixed), "all 2 (failed: b)");
        assert_eq!(each_once([ids.clone(), ids.clone()].concat()), ids);
    }
}
