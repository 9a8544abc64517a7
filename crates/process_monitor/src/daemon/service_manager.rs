//! What the service manager is told, if one has started us and wants to know (sd_notify(3)): that everything is taken up,
//! that it is about to end, that another image follows, and all the while that supervision works.

use super::Handle;
use aliveness::sd_notify::{Notifier, Watchdog};
use process_monitor_host::clock;
use process_monitor_host::service_manager::{State, tell};
use std::time::Duration;

/// Beside the time that programs may take to stop: for what is left of them, and for the files.
const TO_END: Duration = Duration::from_secs(30);

/// Whoever started us, if he wants to know. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct ServiceManager {
    notifier: Notifier,
}

impl ServiceManager {
    /// The one in the environment. A monitor in the background was started by a person or another monitor, and what is
    /// in its environment is somebody else's.
    pub fn of(foreground: bool) -> Self {
        Self { notifier: if foreground { Notifier::from_env() } else { Notifier::default() } }
    }

    /// Everything is taken up, and we can be talked to.
    pub fn ready(&self, processes: usize) {
        tell(State::Ready);
        self.tell(&format!(
            "READY=1\nMAINPID={}\nSTATUS=supervising {processes} processes",
            std::process::id()
        ));
    }

    /// It ends, and the slowest program may take `longest` to stop.
    pub fn stopping(&self, longest: Duration) {
        tell(State::Stopping { within: longest + TO_END });
        let within = (longest + TO_END).as_micros();
        self.tell(&format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={within}\nSTATUS=stopping every process"));
    }

    /// Another image of this process follows; it will say that it is ready.
    pub fn reloading(&self) {
        let now = clock::monotonic_micros();
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={now}\nSTATUS=another image of the monitor follows"));
    }

    /// Says regularly that supervision works, as long as it does, if somebody watches for that. Dropping it ends that.
    pub fn watch(&self, handle: Handle) -> Option<Watchdog> {
        let period = self.notifier.watchdog_period().unwrap_or_default().unwrap_or_default();
        let well = move || handle.supervision_answers(period / 2);
        let started = Watchdog::start_with(self.notifier.clone(), well);
        started.unwrap_or_else(|error| {
            tracing::error!(%error, "the service manager will not hear that this monitor is alive, and may restart it");
            None
        })
    }

    fn tell(&self, message: &str) {
        if let Err(error) = self.notifier.send(message) {
            tracing::warn!(%error, "the service manager cannot be told");
        }
    }
}
