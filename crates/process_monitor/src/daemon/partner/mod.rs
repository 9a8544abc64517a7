//! The other monitor of the pair (SPEC 4.6): `core::partner` decides, this carries out, on a thread of its own.
//!
//! | file | what |
//! | --- | --- |
//! | `keeper` | the thread: what happens → the policy → what is to be done |
//! | `check` | asking the partner how it is |
//! | `start` | starting it as it was started before |
//! | `shown` | what others see of it |

mod check;
mod keeper;
mod shown;
mod start;

pub use keeper::{Keeper, Parts};
pub use shown::Shown;

use arc_swap::ArcSwap;
use process_monitor_core::id::InstanceId;
use std::sync::Arc;
use tokio::sync::mpsc;

/// What the thread is told by others.
pub(super) enum Note {
    /// A monitor has made itself known.
    Greeted(InstanceId),
    /// This monitor is on its way down.
    Leave,
}

/// For everybody else in the monitor. Clones share it.
#[derive(Clone)]
pub struct PartnerLink {
    notes: mpsc::UnboundedSender<Note>,
    shown: Arc<ArcSwap<Shown>>,
}

/// The thread's end of a [`PartnerLink`].
pub struct Desk {
    notes: mpsc::UnboundedReceiver<Note>,
    shown: Arc<ArcSwap<Shown>>,
}

impl PartnerLink {
    /// A link, and the end that the thread works with.
    pub fn new() -> (Self, Desk) {
        let (sender, notes) = mpsc::unbounded_channel();
        let shown: Arc<ArcSwap<Shown>> = Arc::default();
        (Self { notes: sender, shown: Arc::clone(&shown) }, Desk { notes, shown })
    }

    /// What is known of the partner.
    pub fn shown(&self) -> Arc<Shown> {
        self.shown.load_full()
    }

    /// The monitor of `instance` has made itself known.
    pub fn greeted(&self, instance: InstanceId) {
        self.tell(Note::Greeted(instance));
    }

    /// From now on the partner is left to itself.
    pub fn leave(&self) {
        self.tell(Note::Leave);
    }

    /// Nobody listens before the thread runs, and after its end: then nobody is to.
    fn tell(&self, note: Note) {
        let _nobody = self.notes.send(note);
    }
}
