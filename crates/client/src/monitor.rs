//! Calls about the monitor itself.

use crate::Error;
use crate::api::{Accepted, ErrorCode, MonitorStatus};
use crate::call::Call;
use crate::client::Client;
use hyper::Method;
use std::time::{Duration, Instant};

/// How long a monitor may take to replace itself.
const RESTART_WAIT: Duration = Duration::from_secs(30);

/// How long nobody may be there: sockets stay open through a change of images, so that the new one has died then. Its
/// partner or a service manager starts another.
const GONE_WAIT: Duration = Duration::from_secs(10);

/// Between two tries to reach a monitor that is about to listen, or to go.
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// A monitor that has replaced itself.
#[derive(Debug, Clone)]
pub struct Restarted {
    /// What the old one said of itself.
    pub before: MonitorStatus,
    /// What the new one says. It serves.
    pub now: MonitorStatus,
}

impl Restarted {
    /// Whether it goes on in the same process. If not, the new one died at once, and somebody started another.
    pub fn in_place(&self) -> bool {
        self.before.pid == self.now.pid
    }
}

impl Client {
    /// How the monitor is.
    pub async fn monitor_status(&self) -> Result<MonitorStatus, Error> {
        self.ask(Call::get("/monitor/status")).await
    }

    /// Asks the monitor to stop every process and then itself. Returns when it has agreed to.
    pub async fn stop_monitor(&self) -> Result<(), Error> {
        self.ask::<Accepted>(Call::new(Method::POST, "/monitor/stop").repeatable()).await.map(|_| ())
    }

    /// Waits until the monitor that said `known` of itself does not answer any more; what it said last.
    pub async fn monitor_gone(&self, known: &MonitorStatus) -> MonitorStatus {
        let mut last = known.clone();
        let same = |status: &MonitorStatus| (status.pid, status.started_at) == (known.pid, known.started_at);
        while let Ok(now) = self.ask_once::<MonitorStatus>(&Call::get("/monitor/status")).await
            && same(&now)
        {
            last = now;
            tokio::time::sleep(BETWEEN_TRIES * 10).await;
        }
        last
    }

    /// Has the monitor replace itself; its processes run on. Returns when the new one answers, by whichever way it is asked.
    ///
    /// # Errors
    /// [`Error::Refused`] with [`crate::api::ErrorCode::RehearsalFailed`] when the new one could not go on: then the old one
    /// does. [`Error::NotRunning`] or [`Error::Unreachable`] when the new one has died and nobody started another within 10 s.
    pub async fn restart_monitor(&self) -> Result<Restarted, Error> {
        let before = self.monitor_status().await?;
        let call = Call { within: Some(RESTART_WAIT), ..Call::new(Method::POST, "/monitor/restart") };
        self.ask::<Accepted>(call).await?;
        let followed = tokio::time::timeout(RESTART_WAIT, self.follower_of(&before)).await;
        let now =
            followed.map_err(|_| Error::Unresponsive { at: self.endpoint(), waited: RESTART_WAIT })??;
        Ok(Restarted { before, now })
    }

    /// The monitor that follows `old`, as soon as it answers. Nobody tells when it does.
    async fn follower_of(&self, old: &MonitorStatus) -> Result<MonitorStatus, Error> {
        let same = |status: &MonitorStatus| (status.pid, status.started_at) == (old.pid, old.started_at);
        let mut gone_since = None;
        loop {
            let mut wait = BETWEEN_TRIES;
            match self.ask_once(&Call::get("/monitor/status")).await {
                Ok(status) if !same(&status) => return Ok(status),
                Err(error @ (Error::NotRunning { .. } | Error::Unreachable { .. })) => {
                    if gone_since.get_or_insert_with(Instant::now).elapsed() >= GONE_WAIT {
                        return Err(error);
                    }
                }
                Err(Error::RateLimited { retry_after, .. }) => wait = retry_after.unwrap_or(wait * 10),
                // The old one still answers, or was replaced while it was asked, or the new one takes up what there is.
                Ok(_)
                | Err(
                    Error::Interrupted { .. }
                    | Error::Unresponsive { .. }
                    | Error::Refused { code: ErrorCode::Restarting | ErrorCode::Stopping, .. },
                ) => gone_since = None,
                Err(error) => return Err(error),
            }
            tokio::time::sleep(wait).await;
        }
    }
}
