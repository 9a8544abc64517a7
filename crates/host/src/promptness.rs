//! How soon a thread runs when it wakes up.

use crate::sys::promptness;

/// Has the calling thread run at once when it wakes up, also while others are busy: for one that sleeps most of the time and
/// then has a little to do that somebody waits for. It gets no larger share of the processor by it, and what it starts does not
/// inherit it. Where the system knows no such thing (Linux does since 6.12), nothing changes.
pub fn wake_soon() {
    if let Err(error) = promptness::wake_soon() {
        tracing::debug!(%error, "this thread has to wait for its turn as all others");
    }
}
