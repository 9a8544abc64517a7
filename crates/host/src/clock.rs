//! The clocks and the die that the core is told about.

use process_monitor_core::time::{Mono, Now, Wall};
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Reads both clocks. [`Mono`] counts from the clock's creation.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    zero: Instant,
}

impl Default for Clock {
    fn default() -> Self {
        Self { zero: Instant::now() }
    }
}

impl Clock {
    /// What the core is told with an event.
    pub fn now(&self) -> Now {
        Now { mono: self.mono(), wall: wall(), dice: dice() }
    }

    /// The monotonic clock alone.
    pub fn mono(&self) -> Mono {
        Mono::from_zero(self.zero.elapsed())
    }
}

/// The time of day.
pub fn wall() -> Wall {
    let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
    };
    Wall::from_unix_millis(millis)
}

/// The time of day in microseconds since 1970-01-01T00:00:00Z; 0 before that.
pub fn wall_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// The system's monotonic clock in microseconds (`CLOCK_MONOTONIC`), as service managers compare it with their own.
pub fn monotonic_micros() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let (seconds, nanos) = (u64::try_from(now.tv_sec).unwrap_or(0), u64::try_from(now.tv_nsec).unwrap_or(0));
    seconds.saturating_mul(1_000_000).saturating_add(nanos / 1000)
}

/// What the calling thread has taken of a processor since its start (`CLOCK_THREAD_CPUTIME_ID`).
pub fn thread_time() -> Duration {
    let taken = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(taken).unwrap_or_default()
}

/// A random number good enough to spread restarts: the standard library seeds every [`RandomState`]
/// differently.
fn dice() -> u32 {
    RandomState::new().hash_one(()) as u32
}
