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
    pub async fn restart_monitor(&self) -> Result<MonitorStatus, Error> {
        let call = Call::new(Method::POST, "/monitor/restart");
        // Ends when the old monitor does, and so tells that from then on the new one answers.
        let old = self.transport().hold().await.map_err(|failed| self.failed(&call, failed))?;
        self.ask::<Accepted>(call).await?;
        let replaced = async {
            old.await;
            loop {
                match self.ask_once(&Call::get("/monitor/status")).await {
                    // Nobody tells when a socket is bound.
                    Err(Error::NotRunning { .. } | Error::Unreachable { .. } | Error::Interrupted { .. }) => {
                        tokio::time::sleep(BETWEEN_TRIES).await;
                    }
                    answer => return answer,
                }
            }
        };
        tokio::time::timeout(RESTART_WAIT, replaced)
            .await
            .map_err(|_| Error::Unresponsive { at: self.endpoint(), waited: RESTART_WAIT })?
    }
}
