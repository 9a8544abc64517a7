//! The clock that nobody can set.

use rustix::time::{ClockId, clock_gettime};

/// The system's monotonic clock in microseconds (`CLOCK_MONOTONIC`), as service managers compare it with their own.
pub fn monotonic_micros() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let (seconds, nanos) = (u64::try_from(now.tv_sec).unwrap_or(0), u64::try_from(now.tv_nsec).unwrap_or(0));
    seconds.saturating_mul(1_000_000).saturating_add(nanos / 1000)
}
