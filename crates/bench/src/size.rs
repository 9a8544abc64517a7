//! What is measured for one number of processes.

use crate::growth::{Figures, Grown};
use crate::monitor::{self, Monitor, SETTLE};
use crate::plan::Plan;
use crate::report::Report;
use crate::stage::Stage;
use crate::stats::quantile;
use crate::{checks, floor, growth};
use std::io;
use std::time::Duration;

/// Up to so many processes are few.
const FEW: usize = 10;

/// How often few are started.
const STARTS: usize = 20;

/// Everything that `plan` wants to know of a monitor with so many processes; `bare` are replacements by a bare loop.
pub fn measure(
    plan: &Plan,
    stage: &Stage,
    size: usize,
    bare: &[Duration],
    report: &mut Report,
) -> io::Result<()> {
    if let Err(why) = growth::is_possible(size) {
        report.grown.push(Grown::not_measured(size, why));
        return Ok(());
    }
    let bare_runs = (0..starts(size).max(plan.stops)).map(|_| floor::start_and_stop(stage, size));
    let (bare_starts, bare_stops): (Vec<_>, Vec<_>) =
        bare_runs.collect::<io::Result<Vec<_>>>()?.into_iter().unzip();
    let (bare_start, bare_stop) = (quantile(&bare_starts, 0.5), quantile(&bare_stops, 0.5));
    let (mut monitor, cold_starts) = started(stage, size)?;
    report.repeated("cold start to all running", size, &cold_starts, bare_start);
    let replacements = monitor.replacements(plan.kills)?;
    report.spread("crash → replacement running", size, &replacements, Some(bare));
    let idle = monitor.idle(plan.idle_seconds)?;
    report.idle(size, &idle);
    let listed = monitor.ports()?.api("/processes", 1, plan.asked())?;
    if plan.clients.is_empty() {
        report.spread("GET /processes, 1 clients", size, &listed, None);
    } else {
        served(plan, stage, &mut monitor, report, (size, &replacements))?;
    }
    let killed = size.min(plan.at_once);
    if killed > 0 {
        let bare = bare_start.mul_f64(killed as f64 / size as f64);
        report.ratio(&format!("{killed} killed at once → all back"), size, monitor.mass_crash(killed)?, bare);
    }
    let stops = stopped(&mut monitor, plan.stops)?;
    report.repeated("stop all", size, &stops, bare_stop);
    let stop = quantile(&stops, 0.5);
    let cold_start = quantile(&cold_starts, 0.5);
    let (replacement, listed) = (quantile(&replacements, 0.5), quantile(&listed, 0.5));
    let figures = Figures { cold_start, memory: idle.monitor, replacement, listed, stop, idle: idle.cpu };
    report.grown.push(Grown::measured(size, figures));
    if size > 1 && plan.checked_seconds > 0 {
        checked(plan, stage, report, (size, &replacements))?;
    }
    Ok(())
}

/// Few start so fast that one start says little: how often so many are started, one after the other.
fn starts(size: usize) -> usize {
    if size > FEW { 1 } else { STARTS }
}

/// Has all stopped so many times, from rest, and started again in between.
fn stopped(monitor: &mut Monitor<'_>, times: usize) -> io::Result<Vec<Duration>> {
    let mut taken = Vec::new();
    for nth in 0..times {
        if nth > 0 {
            monitor.start_all()?;
        }
        std::thread::sleep(SETTLE);
        taken.push(monitor.stop_all()?);
    }
    Ok(taken)
}

/// A monitor of `size` processes, the last of several, and how long each took to have all running.
fn started(stage: &Stage, size: usize) -> io::Result<(Monitor<'_>, Vec<Duration>)> {
    let registry = monitor::registry(stage, size, None);
    let before = (1..starts(size)).map(|nth| {
        Monitor::launch_on(stage, &format!("{size}-start-{nth}"), &registry).map(|monitor| monitor.cold_start)
    });
    let mut cold_starts = before.collect::<io::Result<Vec<_>>>()?;
    let monitor = Monitor::launch(stage, size, None)?;
    cold_starts.push(monitor.cold_start);
    Ok((monitor, cold_starts))
}

/// The API, and how fast crashed processes come back while it is asked all the time; `plain` is how fast without.
fn served(
    plan: &Plan,
    stage: &Stage,
    monitor: &mut Monitor<'_>,
    report: &mut Report,
    (size, plain): (usize, &[Duration]),
) -> io::Result<()> {
    let ports = monitor.ports()?;
    for &clients in plan.clients {
        let floor = ports.alive(clients, plan.asked())?;
        report.spread(&format!("GET /alive, {clients} clients"), size, &floor, None);
        for path in ["/processes/0", "/processes"] {
            let waits = ports.api(path, clients, plan.asked())?;
            report.spread(&format!("GET {path}, {clients} clients"), size, &waits, Some(&floor));
        }
    }
    let replacements = ports.under_load(|| monitor.replacements(plan.kills))?;
    report.spread("crash → replacement while 16 clients list", size, &replacements, Some(plain));
    // What that load leaves to anybody.
    let bare = ports.under_load(|| floor::replacements(stage, plan.kills))?;
    report.spread("the same, beside the bare loop under that load", size, &replacements, Some(&bare));
    Ok(())
}

/// The same with a health check per process, every 3 s, by HTTP; `plain` is how fast they came back without.
fn checked(
    plan: &Plan,
    stage: &Stage,
    report: &mut Report,
    (size, plain): (usize, &[Duration]),
) -> io::Result<()> {
    let server = checks::Server::start()?;
    let mut monitor = Monitor::launch(stage, size, Some(&server))?;
    // All have been checked once.
    std::thread::sleep(checks::INTERVAL);
    server.forget();
    let cpu = monitor.cpu(plan.checked_seconds)?;
    let (late, asked) = server.lateness();
    let seconds = Duration::from_secs(plan.checked_seconds) + SETTLE;
    let bare = server.bare_loop(asked)?.as_secs_f64() / seconds.as_secs_f64();
    report.share("CPU with a check of each per 3 s, monitor and logger", size, cpu, bare);
    report.spread("lateness of these checks", size, &late, None);
    let replacements = monitor.replacements(plan.kills)?;
    report.spread("crash → replacement meanwhile", size, &replacements, Some(plain));
    monitor.stop_all().map(drop)
}
