//! One command for many processes: one request, and one wait for the disk.

use crate::api::{Accepted, BatchBody, BatchResult, BatchResults};
use crate::call::Call;
use crate::client::Client;
use crate::{Error, Verb, Waiting};
use hyper::Method;
use process_monitor_core::id::ProcessId;

impl Client {
    /// Does for each of `ids`, or for every process there is, what [`Client::act`] does for one; returns when that is
    /// decided for all. One that fails keeps none of the others.
    ///
    /// # Errors
    /// [`Error::Refused`] with [`NotFound`](crate::api::ErrorCode::NotFound) by a monitor that is too old to do this.
    pub async fn act_on_all(
        &self,
        ids: Option<Vec<ProcessId>>,
        verb: Verb,
        waiting: Waiting,
    ) -> Result<Vec<(ProcessId, Result<Accepted, Error>)>, Error> {
        let path = format!("/batch/{}{}", verb.name(), waiting.query(verb));
        let call = Call { within: None, ..Call::new(Method::POST, path) }.json(&BatchBody { ids })?;
        let request = call.to_string();
        // Who restarts twice loses a run.
        let call = if verb == Verb::Restart { call } else { call.repeatable() };
        let BatchResults { results } = self.ask(call).await?;
        let mut outcomes = Vec::with_capacity(results.len());
        for result in results {
            let id = result.id().cloned().ok_or_else(|| Error::Protocol {
                request: request.clone(),
                why: "a result does not say of which process it is".to_owned(),
            })?;
            outcomes.push((id.clone(), self.outcome(id, result).await));
        }
        Ok(outcomes)
    }

    async fn outcome(&self, id: ProcessId, result: BatchResult) -> Result<Accepted, Error> {
        match result {
            BatchResult::Done(accepted) => Ok(accepted),
            BatchResult::Failed(body) => match Error::from_body(body, Some(&id)) {
                Error::ProcessNotFound { id, .. } => Err(self.not_found(id).await),
                error => Err(error),
            },
        }
    }
}
