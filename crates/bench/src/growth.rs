//! How a monitor grows with the number of its processes: one line for each number, in a table of its own.

use crate::monitor::MOST_CAPTURED;
use crate::report::{mib, ms};
use rustix::process::{Resource, getrlimit};
use serde_json::{Value, json};
use std::time::Duration;

/// Descriptors that a monitor needs for each process while it runs (ARCHITECTURE.md, Descriptors).
fn descriptors(size: usize) -> u64 {
    if size > MOST_CAPTURED { 1 } else { 3 }
}

/// And for itself, and for starts that are under way.
const RESERVE: u64 = 100;

/// One line of the table.
pub struct Grown {
    size: usize,
    figures: Result<Figures, String>,
}

/// What its columns tell.
pub struct Figures {
    pub cold_start: Duration,
    /// Of the monitor, in bytes.
    pub memory: u64,
    /// Crash → replacement, the median.
    pub replacement: Duration,
    /// Of one client, the median.
    pub listed: Duration,
    /// Until all were stopped.
    pub stop: Duration,
    /// The share of one core.
    pub idle: f64,
}

/// Whether the system lets a monitor have so many processes.
///
/// # Errors
/// Why not, in words.
pub fn is_possible(size: usize) -> Result<(), String> {
    let wanted = size as u64 * descriptors(size) + RESERVE;
    match getrlimit(Resource::Nofile).maximum {
        Some(limit) if limit < wanted => {
            Err(format!("needs {wanted} descriptors, the hard limit is {limit} (`ulimit -Hn`)"))
        }
        _ => Ok(()),
    }
}

impl Grown {
    /// With `size` processes.
    pub fn measured(size: usize, figures: Figures) -> Self {
        Self { size, figures: Ok(figures) }
    }

    /// The place of a line, and why it is empty.
    pub fn not_measured(size: usize, why: String) -> Self {
        Self { size, figures: Err(why) }
    }

    fn line(&self) -> String {
        let size = self.size;
        match &self.figures {
            Ok(of) => format!(
                "| {size} | {:.1} ms | {:.1} MiB | {:.2} ms | {:.2} ms | {:.1} ms | {:.4} % |",
                ms(of.cold_start),
                mib(of.memory),
                ms(of.replacement),
                ms(of.listed),
                ms(of.stop),
                of.idle * 100.0,
            ),
            Err(why) => format!("| {size} | {why} | | | | | |"),
        }
    }

    /// For programs: names tell the unit.
    pub fn json(&self) -> Value {
        match &self.figures {
            Ok(of) => {
                json!({"processes": self.size, "coldStartMs": ms(of.cold_start), "monitorMib": mib(of.memory),
                "replacementP50Ms": ms(of.replacement), "listP50Ms": ms(of.listed), "stopAllMs": ms(of.stop),
                "idlePercentOfCore": of.idle * 100.0})
            }
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
