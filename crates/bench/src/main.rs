//! `cargo run --release -p process-monitor-bench [-- --quick]`
//!
//! Measures the monitor, each figure beside a floor taken in the same run: the same workload under a
//! bare loop of spawn, kill and wait. The workload is this program itself; it says on a socket that
//! it runs, so that both are measured up to the same moment.

mod floor;
mod monitor;
mod report;
mod stage;
mod stats;

use report::Report;
use stage::Stage;
use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [stage::WORKLOAD, socket, name] => stage::work(socket, name),
        [] => measure(&Plan { sizes: &[1, 100, 1000], kills: 300, idle_seconds: 10 }),
        ["--quick"] => measure(&Plan { sizes: &[1, 100], kills: 100, idle_seconds: 2 }),
        _ => Err(io::Error::other("usage: cargo run --release -p process-monitor-bench [-- --quick]")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How much is measured.
struct Plan {
    sizes: &'static [usize],
    kills: usize,
    idle_seconds: u64,
}

fn measure(plan: &Plan) -> io::Result<()> {
    let stage = Stage::new()?;
    let mut report = Report::default();
    let bare = floor::replacements(&stage, plan.kills)?;
    report.spread("bare loop: kill, wait, spawn", 1, &bare, None);
    for &size in plan.sizes {
        let (bare_start, bare_stop) = floor::start_and_stop(&stage, size)?;
        let mut monitor = monitor::Monitor::launch(&stage, size)?;
        report.ratio("cold start to all running", size, monitor.cold_start, bare_start);
        let replacements = monitor.replacements(plan.kills)?;
        report.spread("crash → replacement running", size, &replacements, Some(&bare));
        report.idle(size, monitor.idle_cpu(plan.idle_seconds)?, monitor.memory()?);
        report.ratio("all killed at once → all back", size, monitor.mass_crash()?, bare_start);
        report.ratio("stop all", size, monitor.stop_all()?, bare_stop);
    }
    report.print();
    Ok(())
}
