//! One image of the monitor following another, so that what it manages runs on, and what must not close in between is
//! handed over open. Where the system can, it is an exec in place (execve(2)): the pid stays, and children stay children;
//! elsewhere a new process takes over from the one that leaves.
//!
//! | name | what |
//! | --- | --- |
//! | [`Bequest`] | leaving: what the next image gets, and the change |
//! | [`Inherited`] | coming: what a predecessor (or a service manager) left open |
//! | [`Heirloom`] | one thing that is handed over |
//! | `rehearsal` | whether the executable that is to follow can |
//!
//! How it is done is in `sys::handover`, signals that come in between are in [`crate::signals`].

mod rehearsal;

pub use crate::sys::handover::{Bequest, Heritable, IN_PLACE, Inherited, started_by_process_one};
pub use rehearsal::{REHEARSED_WITHIN, RehearsalError, Rehearsed, rehearse};

use std::sync::Arc;

/// What the next image gets. Whoever uses it until then shares it: no copy of it is needed before the change.
pub type Heirloom = Arc<dyn Heritable>;
