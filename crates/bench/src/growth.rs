//! How a monitor grows with the number of its processes: one line for each number, in a table of its own.

use crate::monitor::{Idle, Monitor};
use crate::report::{mib, ms};
use crate::stats::quantile;
use rustix::process::{Resource, getrlimit};
use serde_json::{Value, json};
use std::time::Duration;

/// Descriptors that a monitor needs for each process while it runs (ARCHITECTURE.md, Descriptors).
const DESCRIPTORS: u64 = 3;

/// And for itself, and for starts that are under way.
const RESERVE: u64 = 100;

/// One line of the table.
pub struct Grown {
    size: usize,
    figures: Result<Figures, String>,
}

/// In milliseconds, MiB and percent of a core.
struct Figures {
    cold_start: f64,
    memory: f64,
    replacement: f64,
    listed: f64,
    stop: f64,
    idle: f64,
}

/// Whether the system lets a monitor have so many processes.
///
/// # Errors
/// Why not, in words.
pub fn is_possible(size: usize) -> Result<(), String> {
    let wanted = size as u64 * DESCRIPTORS + RESERVE;
    match getrlimit(Resource::Nofile).maximum {
        Some(limit) if limit < wanted => {
            Err(format!("needs {wanted} descriptors, the hard limit is {limit} (`ulimit -Hn`)"))
        }
        _ => Ok(()),
    }
}

impl Grown {
    /// All but the end.
    pub fn new(
        size: usize,
        monitor: &Monitor<'_>,
        replacements: &[Duration],
        idle: &Idle,
        listed: &[Duration],
    ) -> Self {
        let figures = Figures {
            cold_start: ms(monitor.cold_start),
            memory: mib(idle.monitor),
            replacement: ms(quantile(replacements, 0.5)),
            listed: ms(quantile(listed, 0.5)),
            stop: f64::NAN,
            idle: idle.cpu * 100.0,
        };
        Self { size, figures: Ok(figures) }
    }

    /// It took so long to stop everything.
    pub fn stopped_in(self, stop: Duration) -> Self {
        let figures = self.figures.map(|figures| Figures { stop: ms(stop), ..figures });
        Self { figures, ..self }
    }

    /// The place of a line, and why it is empty.
    pub fn not_measured(size: usize, why: String) -> Self {
        Self { size, figures: Err(why) }
    }

    fn line(&self) -> String {
        let Self { size, figures } = self;
        match figures {
            Ok(Figures { cold_start, memory, replacement, listed, stop, idle }) => format!(
                "| {size} | {cold_start:.1} ms | {memory:.1} MiB | {replacement:.2} ms | {listed:.2} ms | {stop:.1} ms | {idle:.4} % |"
            ),
            Err(why) => format!("| {size} | {why} | | | | | |"),
        }
    }

    /// For programs: names tell the unit.
    pub fn json(&self) -> Value {
        match &self.figures {
            Ok(figures) => json!({"processes": self.size, "coldStartMs": figures.cold_start,
                "monitorMib": figures.memory, "replacementP50Ms": figures.replacement, "listP50Ms": figures.listed,
                "stopAllMs": figures.stop, "idlePercentOfCore": figures.idle}),
            Err(why) => json!({"processes": self.size, "notMeasured": why}),
        }
    }
}

/// Prints the table.
pub fn print(grown: &[Grown]) {
    if grown.is_empty() {
        return;
    }
    println!(
        "\n| processes | cold start | monitor (PSS) | crash → replacement, p50 | list, p50 | stop all | idle CPU |"
    );
    println!("|---|---|---|---|---|---|---|");
    grown.iter().for_each(|line| println!("{}", line.line()));
}
