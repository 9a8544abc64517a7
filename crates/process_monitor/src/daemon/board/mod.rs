//! What readers see: written by the supervising thread, read by anybody without a lock.

mod slots;

use arc_swap::ArcSwap;
use process_monitor_core::engine::View;
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::ProcessState;
use slots::Slots;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where the last view of a process is.
type Slot = Arc<ArcSwap<View>>;

/// The last published view of every process. Clones share it.
#[derive(Clone, Default)]
pub struct Board {
    slots: Arc<ArcSwap<Slots<Slot>>>,
    version: Arc<AtomicU64>,
}

impl Board {
    /// Replaces the views of many processes at once: what a monitor does first.
    pub fn fill(&self, views: impl Iterator<Item = View>) {
        let slots = views.map(|view| (view.entry.id.clone(), Arc::new(ArcSwap::from_pointee(view))));
        self.slots.store(Arc::new(slots.collect()));
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
        match slots.get(&view.entry.id) {
            Some(slot) => slot.store(Arc::new(view)),
            None => {
                let id = view.entry.id.clone();
                self.slots.store(Arc::new(slots.with(id, Arc::new(ArcSwap::from_pointee(view)))));
            }
        }
        self.changed();
    }

    /// Takes a process off.
    pub fn remove(&self, id: &ProcessId) {
        let fewer = self.slots.load().without(id);
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
        (slots.values().count(), running)
    }
}
