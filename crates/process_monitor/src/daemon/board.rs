//! What readers see: written by the supervising thread, read by anybody without a lock.

use arc_swap::ArcSwap;
use indexmap::IndexMap;
use process_monitor_core::engine::View;
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::ProcessState;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

type Slots = IndexMap<ProcessId, Arc<ArcSwap<View>>>;

/// The last published view of every process. Clones share it.
#[derive(Clone, Default)]
pub struct Board {
    slots: Arc<ArcSwap<Slots>>,
    version: Arc<AtomicU64>,
}

impl Board {
    /// Replaces the views of many processes at once: what a monitor does first.
    pub fn fill(&self, views: impl Iterator<Item = View>) {
        let slots =
            views.map(|view| (view.entry.id.clone(), Arc::new(ArcSwap::from_pointee(view)))).collect();
        self.slots.store(Arc::new(slots));
        self.changed();
    }

    /// Another number after each change. Whoever reads it before he reads the rest knows later whether that is old.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    fn changed(&self) {
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Publishes `view`. O(1) unless the process is new.
    pub fn put(&self, view: View) {
        let slots = self.slots.load();
        if let Some(slot) = slots.get(&view.entry.id) {
            slot.store(Arc::new(view));
            self.changed();
            return;
        }
        let mut more = Slots::clone(&slots);
        more.insert(view.entry.id.clone(), Arc::new(ArcSwap::from_pointee(view)));
        self.slots.store(Arc::new(more));
        self.changed();
    }

    /// Takes a process off.
    pub fn remove(&self, id: &ProcessId) {
        let mut fewer = Slots::clone(&self.slots.load());
        fewer.shift_remove(id);
        self.slots.store(Arc::new(fewer));
        self.changed();
    }

    /// One process.
    pub fn get(&self, id: &ProcessId) -> Option<Arc<View>> {
        self.slots.load().get(id).map(|slot| slot.load_full())
    }

    /// Every process, in the order of registration.
    pub fn all(&self) -> Vec<Arc<View>> {
        self.slots.load().values().map(|slot| slot.load_full()).collect()
    }

    /// How many there are, and how many of them run.
    pub fn counts(&self) -> (usize, usize) {
        let slots = self.slots.load();
        let running = slots.values().filter(|slot| slot.load().entry.state == ProcessState::Running).count();
        (slots.len(), running)
    }
}
