//! Calls about the monitor itself.

use crate::Error;
use crate::api::{Accepted, MonitorStatus};
use crate::call::Call;
use crate::client::Client;
use hyper::Method;
use std::time::Duration;

/// How long a monitor may take to replace itself.
const RESTART_WAIT: Duration = Duration::from_secs(30);

/// Between two tries to reach a monitor that is about to listen, or to go.
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

impl Client {
    /// How the monitor is.
    pub async fn monitor_status(&self) -> Result<MonitorStatus, Error> {
        self.ask(Call::get("/monitor/status")).await
    }

    /// Asks the monitor to stop every process and then itself. Returns when it has agreed to.
    pub async fn stop_monitor(&self) -> Result<(), Error> {
        self.ask::<Accepted>(Call::new(Method::POST, "/monitor/stop").repeatable()).await.map(|_| ())
    }

    /// Waits until the monitor that said `known` of itself does not answer any more.
    pub async fn monitor_gone(&self, known: &MonitorStatus) {
        let same = |status: &MonitorStatus| (status.pid, status.started_at) == (known.pid, known.started_at);
        while self.ask_once::<MonitorStatus>(&Call::get("/monitor/status")).await.is_ok_and(|now| same(&now))
        {
            tokio::time::sleep(BETWEEN_TRIES * 10).await;
        }
    }

    /// Has the monitor replace itself; its processes run on. Returns when the new one answers.
    ///
    /// # Errors
    /// [`Error::Refused`] with [`crate::api::ErrorCode::RehearsalFailed`] when the new one could not go on: then the old one
    /// does.
    pub async fn restart_monitor(&self) -> Result<MonitorStatus, Error> {
        let old = self.monitor_status().await?;
        let same = |status: &MonitorStatus| (status.pid, status.started_at) == (old.pid, old.started_at);
        let call = Call { within: Some(RESTART_WAIT), ..Call::new(Method::POST, "/monitor/restart") };
        self.ask::<Accepted>(call).await?;
        let replaced = async {
            loop {
                match self.ask_once(&Call::get("/monitor/status")).await {
                    Ok(status) if !same(&status) => return Ok(status),
                    // The old one still answers, or died while it was asked. Nobody tells when the new one is there.
                    Ok(_)
                    | Err(Error::NotRunning { .. } | Error::Unreachable { .. } | Error::Interrupted { .. }) =>
                    {
                        tokio::time::sleep(BETWEEN_TRIES).await;
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        tokio::time::timeout(RESTART_WAIT, replaced)
            .await
            .map_err(|_| Error::Unresponsive { at: self.endpoint(), waited: RESTART_WAIT })?
    }
}
