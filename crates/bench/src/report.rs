//! The rows: a table for people, JSON for programs.

use crate::capture::{Captured, Copied};
use crate::growth::{self, Grown};
use crate::monitor::Idle;
use crate::plan::Output;
use crate::stats::quantile;
use serde_json::{Map, Value, json};
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

/// What was measured, in the order in which that was done.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
    /// The same for each number of processes, in a table of its own.
    pub grown: Vec<Grown>,
}

struct Row {
    what: String,
    processes: usize,
    /// For people.
    measured: String,
    ratio: String,
    /// For programs: names tell the unit.
    figures: Value,
}

pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

pub fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

impl Report {
    /// A latency with its spread, and its ratio to a floor.
    pub fn spread(&mut self, what: &str, size: usize, values: &[Duration], floor: Option<&[Duration]>) {
        let at = |values: &[Duration], part| ms(quantile(values, part));
        let (p50, p99) = (at(values, 0.5), at(values, 0.99));
        let mut figures = json!({"samples": values.len(), "p50Ms": p50, "p90Ms": at(values, 0.9), "p99Ms": p99,
            "maxMs": at(values, 1.0)});
        let ratio = floor.map_or(String::new(), |floor| {
            let (floor50, floor99) = (at(floor, 0.5), at(floor, 0.99));
            figures["floorP50Ms"] = floor50.into();
            figures["floorP99Ms"] = floor99.into();
            format!("p50 {:.2}×, p99 {:.2}× of the floor's", p50 / floor50, p99 / floor99)
        });
        self.row(what, size, format!("p50 {p50:.3} ms, p99 {p99:.3} ms"), ratio, figures);
    }

    /// Durations of which the longest matters.
    pub fn longest(&mut self, what: &str, size: usize, values: &[Duration]) {
        let (p50, longest) = (ms(quantile(values, 0.5)), ms(quantile(values, 1.0)));
        let figures = json!({"samples": values.len(), "p50Ms": p50, "longestMs": longest});
        self.row(what, size, format!("p50 {p50:.1} ms, longest {longest:.1} ms"), String::new(), figures);
    }

    /// One duration, and its ratio to a floor.
    pub fn ratio(&mut self, what: &str, size: usize, value: Duration, floor: Duration) {
        self.repeated(what, size, &[value], floor);
    }

    /// The median of a few durations, the longest of them, and the median's ratio to a floor.
    pub fn repeated(&mut self, what: &str, size: usize, values: &[Duration], floor: Duration) {
        let (value, longest, floor) = (ms(quantile(values, 0.5)), ms(quantile(values, 1.0)), ms(floor));
        let figures = json!({"samples": values.len(), "ms": value, "longestMs": longest, "floorMs": floor});
        let measured = match values.len() {
            1 => format!("{value:.1} ms"),
            samples => format!("p50 {value:.1} ms, longest of {samples} {longest:.1} ms"),
        };
        self.row(what, size, measured, format!("{:.2}× of {floor:.1} ms", value / floor), figures);
    }

    /// What many programs wrote at once.
    pub fn captured(&mut self, output: Output, Captured { monitor, before, cats }: &Captured) {
        let (size, bytes) = (output.writers, output.bytes * output.writers as u64);
        self.throughput("output to logs", (size, bytes), monitor.taken, cats.taken);
        let share = |copied: &Copied, cpu: Duration| cpu.as_secs_f64() / copied.taken.as_secs_f64();
        let bare = share(cats, cats.cpu.iter().sum());
        for (what, cpu) in
            ["CPU of the monitor meanwhile", "CPU of the logger meanwhile"].iter().zip(&monitor.cpu)
        {
            self.share(what, size, share(monitor, *cpu), bare);
        }
        self.spread("crash → replacement of another before", size, before, None);
        self.spread("the same meanwhile", size, &monitor.meanwhile, Some(before));
        self.spread(
            "the same, beside the bare loop beside `cat`",
            size,
            &monitor.meanwhile,
            Some(&cats.meanwhile),
        );
    }

    fn throughput(&mut self, what: &str, (size, bytes): (usize, u64), value: Duration, floor: Duration) {
        let per_second = |taken: Duration| mib(bytes) / taken.as_secs_f64();
        let (value, floor) = (per_second(value), per_second(floor));
        let figures = json!({"bytes": bytes, "mibPerSecond": value, "floorMibPerSecond": floor});
        let ratio = format!("{:.2}× of {floor:.0} MiB/s", value / floor);
        self.row(what, size, format!("{value:.0} MiB/s"), ratio, figures);
    }

    /// A share of one core, beside that of a floor.
    pub fn share(&mut self, what: &str, size: usize, share: f64, floor: f64) {
        let figures = json!({"percentOfCore": share * 100.0, "floorPercentOfCore": floor * 100.0});
        let ratio = format!("{:.1}× of {:.2} %", share / floor, floor * 100.0);
        self.row(what, size, format!("{:.2} %", share * 100.0), ratio, figures);
    }

    /// What it costs while nothing happens.
    pub fn idle(&mut self, size: usize, idle: &Idle) {
        let (percent, wakes) = (idle.cpu * 100.0, idle.wakes_per_second);
        let figures = json!({"percentOfCore": percent, "wakesPerSecond": wakes});
        let text = format!("{percent:.4} % of a core, {wakes:.1} wake-ups per second");
        self.row("idle, monitor and logger", size, text, String::new(), figures);
        let (monitor, logger) = (mib(idle.monitor), mib(idle.logger));
        let figures = json!({"monitorMib": monitor, "loggerMib": logger});
        let text = format!("monitor {monitor:.1} MiB, logger {logger:.1} MiB");
        self.row("memory (PSS)", size, text, String::new(), figures);
    }

    fn row(&mut self, what: &str, processes: usize, measured: String, ratio: String, figures: Value) {
        self.rows.push(Row { what: what.to_owned(), processes, measured, ratio, figures });
    }

    /// Prints everything.
    pub fn print(&self) {
        println!("| what | processes | measured | ratio |\n|---|---|---|---|");
        for Row { what, processes, measured, ratio, .. } in &self.rows {
            println!("| {what} | {processes} | {measured} | {ratio} |");
        }
        growth::print(&self.grown);
    }

    /// Writes everything to `file`.
    pub fn save(&self, file: &Path) -> io::Result<()> {
        let row = |row: &Row| {
            let mut fields = Map::new();
            fields.insert("what".to_owned(), row.what.clone().into());
            fields.insert("processes".to_owned(), row.processes.into());
            fields.extend(row.figures.as_object().cloned().unwrap_or_default());
            Value::Object(fields)
        };
        let rows: Vec<Value> = self.rows.iter().map(row).collect();
        let growth: Vec<Value> = self.grown.iter().map(Grown::json).collect();
        fs::write(file, format!("{:#}\n", json!({"machine": machine(), "rows": rows, "growth": growth})))
    }
}

fn machine() -> Value {
    let system = rustix::system::uname();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    json!({
        "system": format!("{} {}", system.sysname().to_string_lossy(), system.release().to_string_lossy()),
        "cores": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "loadAtTheEnd": load.split(' ').next(),
    })
}
