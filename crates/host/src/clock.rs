//! The clocks and the die that the core is told about.

pub use crate::sys::clock::{monotonic_micros, thread_time};

use process_monitor_core::time::{Mono, Now, Wall};
use std::hash::{BuildHasher, RandomState};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

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

/// A random number good enough to spread restarts: the standard library seeds every [`RandomState`]
/// differently.
fn dice() -> u32 {
    RandomState::new().hash_one(()) as u32
}
