//! How much a process uses, measured when somebody asks.

use process_monitor_core::id::RunId;
use process_monitor_host::process::Identity;
use process_monitor_host::process::figures::{self, Figures};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Two looks closer together than this say nothing about a share of time.
const SHORTEST_SPAN: Duration = Duration::from_millis(500);

/// Looks older than this are forgotten, so that runs which ended don't collect here.
const LONGEST_SPAN: Duration = Duration::from_secs(300);

/// What a process and its descendants use.
pub struct Usage {
    /// Of one core, since the last look, or over its life when there was none.
    pub cpu_percent: f64,
    /// Resident memory.
    pub memory_bytes: u64,
}

#[derive(Clone, Copy)]
struct Look {
    at: Instant,
    cpu: Duration,
    percent: f64,
}

/// Remembers the last look at each run, because a share of time needs two.
#[derive(Default)]
pub struct Meter {
    looks: Mutex<HashMap<RunId, Look>>,
}

impl Meter {
    /// What the run whose main process is `pid` uses; `None` when it is gone.
    pub fn measure(&self, pid: u32, run: &RunId, uptime: Duration) -> Option<Usage> {
        let identity = Identity::of(pid).ok().flatten()?;
        let figures = figures::of_tree(&identity).ok().flatten()?;
        let now = Instant::now();
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let look = match looks.get(run) {
            Some(last) if now.duration_since(last.at) < SHORTEST_SPAN => *last,
            last => {
                let look = Look { at: now, cpu: figures.cpu, percent: share(last, &figures, now, uptime) };
                looks.retain(|_, old| now.duration_since(old.at) < LONGEST_SPAN);
                looks.insert(run.clone(), look);
                look
            }
        };
        Some(Usage { cpu_percent: look.percent, memory_bytes: figures.memory_bytes })
    }
}

fn share(last: Option<&Look>, figures: &Figures, now: Instant, uptime: Duration) -> f64 {
    let (used, span) = match last {
        // A descendant that ended takes its time with it.
        Some(last) => (figures.cpu.saturating_sub(last.cpu), now.duration_since(last.at)),
        None => (figures.cpu, uptime),
    };
    let percent = 100.0 * used.as_secs_f64() / span.as_secs_f64().max(0.001);
    (percent * 10.0).round() / 10.0
}
