//! What the registry says about the monitor itself, as it is now, for readers that never wait.

use arc_swap::ArcSwap;
use process_monitor_core::registry::Registry;
use std::sync::Arc;
use tokio::sync::watch;

/// The present settings: a registry without its processes. Clones share it. The thread that keeps the
/// registry publishes; whoever reads twice may see two versions, so read once per decision.
#[derive(Clone)]
pub struct Settings {
    now: Arc<ArcSwap<Registry>>,
    changed: watch::Sender<()>,
}

impl Settings {
    /// Begins with what `registry` says.
    pub fn new(registry: &Registry) -> Self {
        Self { now: Arc::new(ArcSwap::from_pointee(registry.settings())), changed: watch::Sender::new(()) }
    }

    /// What they are now.
    pub fn get(&self) -> Arc<Registry> {
        self.now.load_full()
    }

    /// Tells when they change.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// They are what `registry` says from now on.
    pub(super) fn publish(&self, registry: &Registry) {
        self.now.store(Arc::new(registry.settings()));
        self.changed.send_replace(());
    }
}
