//! Pinging for as long as the program is well.

use super::Notifier;
use crate::{Error, Health};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// Pings the service manager from a thread of its own, at half of the time that it allows, each time the callback says
/// that the program is well. When the callback says that it is not, panics or hangs, no ping goes out, and the manager
/// does what it does with a program that hangs. Dropping it ends the pings, too.
///
/// ```no_run
/// # fn main() -> Result<(), aliveness::Error> {
/// use aliveness::{Server, sd_notify::{self, Watchdog}};
///
/// let server = Server::new().health(|| true).start()?;
/// sd_notify::ready()?;
/// // Asks what `GET /health` asks. Nothing when nobody watches.
/// let watchdog = Watchdog::start(server.probe())?;
/// # Ok(())
/// # }
/// ```
#[must_use = "dropping the watchdog ends its pings"]
pub struct Watchdog {
    interval: Duration,
    failed: Arc<AtomicU64>,
    /// Dropped with this, which the thread sees.
    _stop: mpsc::Sender<()>,
}

impl Watchdog {
    /// Starts pinging if the environment of this process asks for it; `None` if it does not.
    ///
    /// # Errors
    /// [`Error::Environment`] when it asks for it in a way that makes no sense, [`Error::Start`] when the system gives no thread.
    pub fn start<H: Into<Health>>(callback: impl Fn() -> H + Send + 'static) -> Result<Option<Self>, Error> {
        Self::start_with(Notifier::from_env(), callback)
    }

    /// The same for the environment that `notifier` knows.
    ///
    /// # Errors
    /// As [`start`](Watchdog::start).
    pub fn start_with<H: Into<Health>>(
        notifier: Notifier,
        callback: impl Fn() -> H + Send + 'static,
    ) -> Result<Option<Self>, Error> {
        let Some(period) = notifier.watchdog_period()? else { return Ok(None) };
        // Half is what sd_watchdog_enabled(3) recommends.
        let interval = period / 2;
        let failed = Arc::new(AtomicU64::new(0));
        let (stop, stopped) = mpsc::channel();
        let failures = Arc::clone(&failed);
        let body = move || ping_until(&stopped, interval, &notifier, &failures, &|| callback().into());
        let thread = thread::Builder::new().name("aliveness-ping".into()).spawn(body);
        thread.map_err(|source| Error::Start { source })?;
        Ok(Some(Self { interval, failed, _stop: stop }))
    }

    /// The time from one ping to the next.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// How many pings the system refused to send. Each was tried again after [`interval`](Watchdog::interval).
    pub fn failed_pings(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchdog").field("interval", &self.interval).finish_non_exhaustive()
    }
}

fn ping_until(
    stopped: &mpsc::Receiver<()>,
    interval: Duration,
    notifier: &Notifier,
    failed: &AtomicU64,
    callback: &dyn Fn() -> Health,
) {
    loop {
        let begun = Instant::now();
        // A panic is said by the panic hook; it may be over at the next call, and then so is this.
        let well = catch_unwind(AssertUnwindSafe(callback)).is_ok_and(|health| health.is_healthy());
        // Nobody is pinged for once this was dropped, however long the callback took.
        if stopped.try_recv() == Err(mpsc::TryRecvError::Disconnected) {
            return;
        }
        if well && notifier.watchdog().is_err() {
            failed.fetch_add(1, Ordering::Relaxed);
        }
        // The callback's time is part of the interval.
        match stopped.recv_timeout(interval.saturating_sub(begun.elapsed())) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
