//! Clocks that nobody can set.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// The system's monotonic clock in microseconds (`CLOCK_MONOTONIC`), as service managers compare it with their own.
pub fn monotonic_micros() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let (seconds, nanos) = (u64::try_from(now.tv_sec).unwrap_or(0), u64::try_from(now.tv_nsec).unwrap_or(0));
    seconds.saturating_mul(1_000_000).saturating_add(nanos / 1000)
}

/// What the calling thread has taken of a processor since its start (`CLOCK_THREAD_CPUTIME_ID`).
pub fn thread_time() -> Duration {
    let taken = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(taken).unwrap_or_default()
}
