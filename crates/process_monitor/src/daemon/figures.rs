//! How much a process uses, measured when somebody asks.

use process_monitor_core::id::RunId;
use process_monitor_host::process::figures::{self, Figures};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Two looks closer together than this say nothing about a share of time, and so the last one counts.
const SHORTEST_SPAN: Duration = Duration::from_millis(1000);

/// Of a look that is not older than this a list is content, and has the next one done behind its back: measuring a
/// thousand processes takes tens of milliseconds, for which nobody who lists all the time shall wait.
const GOOD_ENOUGH: Duration = Duration::from_secs(3);

/// Looks older than this are forgotten, so that runs which ended don't collect here.
const LONGEST_SPAN: Duration = Duration::from_secs(300);

/// What a process and its descendants use.
#[derive(Clone, Copy)]
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
    usage: Usage,
}

/// Remembers the last look at each run, because a share of time needs two.
#[derive(Default)]
pub struct Meter {
    looks: Mutex<Looks>,
    /// Whether somebody was given an old look.
    stale: AtomicBool,
    /// Whether the next ones are being taken.
    looking: AtomicBool,
}

#[derive(Default)]
struct Looks {
    last: HashMap<RunId, Look>,
    /// When old ones were forgotten.
    swept: Option<Instant>,
}

impl Looks {
    fn note(&mut self, run: &RunId, look: Look) {
        if self.swept.is_none_or(|swept| look.at.duration_since(swept) >= LONGEST_SPAN) {
            self.last.retain(|_, old| look.at.duration_since(old.at) < LONGEST_SPAN);
            self.swept = Some(look.at);
        }
        self.last.insert(run.clone(), look);
    }
}

impl Meter {
    /// What the run whose main process is `pid` uses; `None` when it is gone.
    pub fn measure(&self, pid: u32, run: &RunId, uptime: Duration) -> Option<Usage> {
        let now = Instant::now();
        let last = self.looks().last.get(run).copied();
        if let Some(last) = last.filter(|last| now.duration_since(last.at) < SHORTEST_SPAN) {
            return Some(last.usage);
        }
        let figures = figures::of_tree_of(pid).ok().flatten()?;
        let cpu_percent = share(last.as_ref(), &figures, now, uptime);
        let usage = Usage { cpu_percent, memory_bytes: figures.memory_bytes };
        self.looks().note(run, Look { at: now, cpu: figures.cpu, usage });
        Some(usage)
    }

    /// Whether [`Meter::measure`] would answer at once.
    pub fn knows(&self, run: &RunId) -> bool {
        self.looks().last.get(run).is_some_and(|last| last.at.elapsed() < SHORTEST_SPAN)
    }

    /// The same, by a look that may be a little old; then another is due.
    pub fn glance(&self, pid: u32, run: &RunId, uptime: Duration) -> Option<Usage> {
        let last = self.looks().last.get(run).copied();
        match last.map(|last| (last.at.elapsed(), last.usage)) {
            Some((age, usage)) if age < GOOD_ENOUGH => {
                if age >= SHORTEST_SPAN {
                    self.stale.store(true, Ordering::Relaxed);
                }
                Some(usage)
            }
            _ => self.measure(pid, run, uptime),
        }
    }

    /// Whether another look is due, and nobody takes one. Who is told so has to, and to say [`Meter::looked`].
    pub fn is_due(&self) -> bool {
        self.stale.load(Ordering::Relaxed) && !self.looking.swap(true, Ordering::Acquire)
    }

    /// All that was due was measured.
    pub fn looked(&self) {
        self.stale.store(false, Ordering::Relaxed);
        self.looking.store(false, Ordering::Release);
    }

    fn looks(&self) -> MutexGuard<'_, Looks> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
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
