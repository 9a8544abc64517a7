//! What one process uses, from its line of `stat`.

use super::stat::Stat;
use crate::sys::terms::Usage;
use std::time::Duration;

/// What `process` used when it was looked at.
pub fn of(process: &Stat) -> Usage {
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    let ticks = process.utime.saturating_add(process.stime);
    let page = rustix::param::page_size() as u64;
    Usage {
        cpu: Duration::from_millis(ticks.saturating_mul(1000) / per_second),
        memory_bytes: process.rss.saturating_mul(page),
    }
}
