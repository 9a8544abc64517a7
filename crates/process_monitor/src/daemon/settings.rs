//! What the registry says about the monitor itself, as it is now, for readers that never wait.

use arc_swap::ArcSwap;
use process_monitor_core::registry::Registry;
use std::sync::Arc;

/// The present settings: a registry without its processes. Clones share it. The thread that keeps the
/// registry publishes; whoever reads twice may see two versions, so read once per decision.
#[derive(Clone)]
pub struct Settings(Arc<ArcSwap<Registry>>);

impl Settings {
    /// Begins with what `registry` says.
    pub fn new(registry: &Registry) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(registry.settings())))
    }

    /// What they are now.
    pub fn get(&self) -> Arc<Registry> {
        self.0.load_full()
    }

    /// They are what `registry` says from now on.
    pub(super) fn publish(&self, registry: &Registry) {
        self.0.store(Arc::new(registry.settings()));
    }
}
