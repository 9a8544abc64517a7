//! One command for many processes at once.

use super::{Accepted, ErrorBody};
use process_monitor_core::id::ProcessId;
use process_monitor_core::reading::{Document, Members, Readable, Report};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Body of `POST /batch/start`, `/batch/stop` and `/batch/restart`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct BatchBody {
    /// Which processes. Default: every one there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<ProcessId>>,
}

impl Readable for BatchBody {
    fn read(value: Value, report: &mut Report) -> Option<Self> {
        let mut members = Members::of::<Self>(value, report)?;
        let ids = members.optional();
        members.rest();
        Some(Self { ids })
    }
}

impl Document for BatchBody {}

/// What became of a command for many processes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BatchResults {
    /// One for each process, in the order in which they were named, or registered.
    pub results: Vec<BatchResult>,
}

/// What became of it for one process: what would have been answered to the same command for this one alone, always with
/// `processId`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum BatchResult {
    /// It failed, or was refused.
    Failed(ErrorBody),
    /// It was done.
    Done(Accepted),
}

impl BatchResult {
    /// About which process it is.
    pub fn id(&self) -> Option<&ProcessId> {
        match self {
            Self::Failed(error) => error.process_id.as_ref(),
            Self::Done(accepted) => accepted.process_id.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ErrorCode;
    use process_monitor_core::model::ProcessState;

    #[test]
    fn results_are_the_answers_of_single_commands() {
        let id = |text: &str| ProcessId::new(text).unwrap();
        let done = Accepted { process_id: Some(id("a")), ..Accepted::state(ProcessState::Stopped) };
        let failed = ErrorBody::new(ErrorCode::ProcessNotFound, "no").about(id("b"));
        let results = vec![BatchResult::Done(done), BatchResult::Failed(failed)];
        let text = serde_json::to_string(&BatchResults { results: results.clone() }).unwrap();
        assert_eq!(
            text,
            r#"{"results":[{"success":true,"state":"stopped","processId":"a"},{"error":"no","code":"process_not_found","processId":"b"}]}"#
        );
        assert_eq!(serde_json::from_str::<BatchResults>(&text).unwrap().results, results);
        assert_eq!(results.iter().filter_map(BatchResult::id).count(), 2);
    }
}
