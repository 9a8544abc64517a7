//! The table.

use crate::monitor::Memory;
use crate::stats::quantile;
use std::time::Duration;

/// Rows, printed together at the end.
#[derive(Default)]
pub struct Report {
    rows: Vec<String>,
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

impl Report {
    /// A latency with its spread, and its ratio to a floor.
    pub fn spread(&mut self, what: &str, size: usize, values: &[Duration], floor: Option<&[Duration]>) {
        let (p50, p99) = (quantile(values, 0.5), quantile(values, 0.99));
        let ratio = floor.map_or(String::new(), |floor| {
            let ratio = |part| ms(quantile(values, part)) / ms(quantile(floor, part));
            format!("p50 {:.2}×, p99 {:.2}× of the floor's", ratio(0.5), ratio(0.99))
        });
        self.rows.push(format!(
            "| {what} | {size} | p50 {:.3} ms, p99 {:.3} ms | {ratio} |",
            ms(p50),
            ms(p99)
        ));
    }

    /// Durations of which the longest matters.
    pub fn longest(&mut self, what: &str, size: usize, values: &[Duration]) {
        let (p50, longest) = (quantile(values, 0.5), quantile(values, 1.0));
        self.rows.push(format!(
            "| {what} | {size} | p50 {:.1} ms, longest {:.1} ms | |",
            ms(p50),
            ms(longest)
        ));
    }

    /// One duration, and its ratio to a floor.
    pub fn ratio(&mut self, what: &str, size: usize, value: Duration, floor: Duration) {
        let ratio = ms(value) / ms(floor);
        self.rows.push(format!(
            "| {what} | {size} | {:.1} ms | {ratio:.2}× of {:.1} ms |",
            ms(value),
            ms(floor)
        ));
    }

    /// A share of one core, beside that of a floor.
    pub fn share(&mut self, what: &str, size: usize, share: f64, floor: f64) {
        let (ratio, percent, bare) = (share / floor, share * 100.0, floor * 100.0);
        self.rows.push(format!("| {what} | {size} | {percent:.2} % | {ratio:.1}× of {bare:.2} % |"));
    }

    /// What it costs while nothing happens.
    pub fn idle(&mut self, size: usize, cpu: f64, memory: Memory) {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        self.rows
            .push(format!("| idle CPU, monitor and logger | {size} | {:.4} % of a core | |", cpu * 100.0));
        let (monitor, logger) = (mib(memory.monitor), mib(memory.logger));
        self.rows
            .push(format!("| memory (PSS) | {size} | monitor {monitor:.1} MiB, logger {logger:.1} MiB | |"));
    }

    /// Prints everything.
    pub fn print(&self) {
        println!("| what | processes | measured | ratio |\n|---|---|---|---|");
        self.rows.iter().for_each(|row| println!("{row}"));
    }
}
