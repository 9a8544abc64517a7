//! `cargo run --release -p process-monitor-bench [-- [--quick | --pair | --switch | --capture | --huge] [--json FILE]]`
//!
//! Measures the monitor, each figure beside a floor taken in the same run: the same workload under a
//! bare loop of spawn, kill and wait. The workload is this program itself; it says on a socket that
//! it runs, so that both are measured up to the same moment.

mod api;
mod capture;
mod checks;
mod floor;
mod monitor;
mod pair;
mod report;
mod stage;
mod stats;
mod switch;

use report::Report;
use rustix::process::Signal;
use stage::Stage;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [stage::WORKLOAD, socket, name] => stage::work(socket, name),
        [stage::WRITER, socket, name, bytes] => written(socket, name, bytes),
        [] => measure(&FULL, None),
        ["--json", file] => measure(&FULL, Some(Path::new(file))),
        [which] => plan(which).and_then(|plan| measure(plan, None)),
        [which, "--json", file] => plan(which).and_then(|plan| measure(plan, Some(Path::new(file)))),
        _ => Err(usage()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> io::Error {
    io::Error::other(
        "usage: cargo run --release -p process-monitor-bench [-- [--quick | --pair | --switch | --capture | --huge] [--json FILE]]",
    )
}

fn plan(which: &str) -> io::Result<&'static Plan> {
    Ok(match which {
        "--quick" => &QUICK,
        "--pair" => &PAIR,
        "--switch" => &SWITCH,
        "--capture" => &CAPTURE,
        "--huge" => &HUGE,
        _ => return Err(usage()),
    })
}

fn written(socket: &str, name: &str, bytes: &str) -> io::Result<()> {
    stage::say_that_it_runs(socket, name)?;
    capture::write(bytes.parse().map_err(io::Error::other)?)
}

/// How much is measured.
struct Plan {
    sizes: &'static [usize],
    kills: usize,
    idle_seconds: u64,
    /// For how long checks are counted; 0: there are none.
    checked_seconds: u64,
    /// How many monitors are killed, and how many made hang.
    pairs: (usize, usize),
    /// How often a monitor replaces itself under load.
    switches: usize,
    /// How much is written to one log.
    captured: u64,
    /// How many ask the API at the same time, in turn.
    clients: &'static [usize],
    /// Whether crashes are measured while the API is asked all the time.
    under_load: bool,
    /// `output` of the entries.
    output: &'static str,
}

/// But for the floor.
const NOTHING: Plan = Plan {
    sizes: &[],
    kills: 1,
    idle_seconds: 0,
    checked_seconds: 0,
    pairs: (0, 0),
    switches: 0,
    captured: 0,
    clients: &[1, 16, 64],
    under_load: true,
    output: "capture",
};

const FULL: Plan = Plan {
    sizes: &[1, 100, 1000],
    kills: 300,
    idle_seconds: 10,
    checked_seconds: 30,
    pairs: (30, 5),
    switches: 20,
    captured: 1 << 30,
    ..NOTHING
};

const QUICK: Plan = Plan {
    sizes: &[1, 100],
    kills: 100,
    idle_seconds: 2,
    checked_seconds: 7,
    pairs: (10, 1),
    switches: 3,
    captured: 100 << 20,
    ..NOTHING
};

const PAIR: Plan = Plan { pairs: (30, 5), ..NOTHING };

const SWITCH: Plan = Plan { switches: 20, ..NOTHING };

const CAPTURE: Plan = Plan { captured: 1 << 30, ..NOTHING };

/// As many processes as SPEC 8 knows. Their output is discarded, so that the monitor needs little more than 10,000
/// descriptors (`ulimit -Hn`).
const HUGE: Plan = Plan {
    sizes: &[10_000],
    kills: 300,
    idle_seconds: 10,
    clients: &[1, 16],
    under_load: false,
    output: "discard",
    ..NOTHING
};

/// How many are killed at once.
const AT_ONCE: usize = 1000;

/// The same with a health check per process, every 3 s, by HTTP; `plain` is how fast they came back without.
fn checked(
    plan: &Plan,
    stage: &Stage,
    report: &mut Report,
    (size, plain): (usize, &[Duration]),
) -> io::Result<()> {
    let server = checks::Server::start()?;
    let mut monitor = monitor::Monitor::launch(stage, size, plan.output, Some(&server))?;
    // All have been checked once.
    std::thread::sleep(checks::INTERVAL);
    server.forget();
    let cpu = monitor.cpu(plan.checked_seconds)?;
    let (late, asked) = server.lateness();
    let seconds = Duration::from_secs(plan.checked_seconds) + monitor::SETTLE;
    let bare = server.bare_loop(asked)?.as_secs_f64() / seconds.as_secs_f64();
    report.share("CPU with a check of each per 3 s, monitor and logger", size, cpu, bare);
    report.spread("lateness of these checks", size, &late, None);
    let replacements = monitor.replacements(plan.kills)?;
    report.spread("crash → replacement meanwhile", size, &replacements, Some(plain));
    monitor.stop_all().map(drop)
}

/// The API, and how fast crashed processes come back while it is asked all the time; `plain` is how fast without.
fn served(
    plan: &Plan,
    stage: &Stage,
    monitor: &mut monitor::Monitor,
    report: &mut Report,
    (size, plain): (usize, &[Duration]),
) -> io::Result<()> {
    let ports = monitor.ports()?;
    for &clients in plan.clients {
        let floor = ports.alive(clients)?;
        report.spread(&format!("GET /alive, {clients} clients"), size, &floor, None);
        for path in ["/processes/0", "/processes"] {
            let waits = ports.api(path, clients)?;
            report.spread(&format!("GET {path}, {clients} clients"), size, &waits, Some(&floor));
        }
    }
    if !plan.under_load {
        return Ok(());
    }
    let replacements = ports.under_load(|| monitor.replacements(plan.kills))?;
    report.spread("crash → replacement while 16 clients list", size, &replacements, Some(plain));
    // What that load leaves to anybody.
    let bare = ports.under_load(|| floor::replacements(stage, plan.kills))?;
    report.spread("the same, beside the bare loop under that load", size, &replacements, Some(&bare));
    Ok(())
}

fn measure(plan: &Plan, json: Option<&Path>) -> io::Result<()> {
    let stage = Stage::new()?;
    let mut report = Report::default();
    let bare = floor::replacements(&stage, plan.kills)?;
    report.spread("bare loop: kill, wait, spawn", 1, &bare, None);
    for &size in plan.sizes {
        let (bare_start, bare_stop) = floor::start_and_stop(&stage, size)?;
        let mut monitor = monitor::Monitor::launch(&stage, size, plan.output, None)?;
        report.ratio("cold start to all running", size, monitor.cold_start, bare_start);
        let replacements = monitor.replacements(plan.kills)?;
        report.spread("crash → replacement running", size, &replacements, Some(&bare));
        report.idle(size, monitor.idle(plan.idle_seconds)?);
        served(plan, &stage, &mut monitor, &mut report, (size, &replacements))?;
        let killed = size.min(AT_ONCE);
        let bare = bare_start.mul_f64(killed as f64 / size as f64);
        report.ratio(&format!("{killed} killed at once → all back"), size, monitor.mass_crash(killed)?, bare);
        report.ratio("stop all", size, monitor.stop_all()?, bare_stop);
        if size > 1 && plan.checked_seconds > 0 {
            checked(plan, &stage, &mut report, (size, &replacements))?;
        }
    }
    if plan.captured > 0 {
        let (taken, floor) = capture::measure(&stage, plan.captured)?;
        report.throughput("log capture", plan.captured, taken, floor);
    }
    pairs(plan, &stage, &mut report)?;
    switches(plan, &stage, &mut report)?;
    report.print();
    json.map_or(Ok(()), |file| report.save(file))
}

/// A monitor that replaces itself while it is asked and listened to, and while programs crash.
fn switches(plan: &Plan, stage: &Stage, report: &mut Report) -> io::Result<()> {
    const SIZE: usize = 100;
    if plan.switches == 0 {
        return Ok(());
    }
    let mut monitor = monitor::Monitor::launch_in(stage, SIZE, "switched")?;
    let switch::Switches { pauses, unnoticed, took } = switch::measure(&mut monitor, plan.switches)?;
    report.longest("self-restart under load: longest request of each", SIZE, &pauses);
    report.longest("self-restart under load: crash → replacement at the worst moment", SIZE, &unnoticed);
    report.longest("self-restart under load: `--restart`, with the rehearsal", SIZE, &took);
    monitor.stop_all().map(drop)
}

/// Two monitors, of which one dies or hangs.
fn pairs(plan: &Plan, stage: &Stage, report: &mut Report) -> io::Result<()> {
    const SIZE: usize = 100;
    let (kills, hangs) = plan.pairs;
    for (what, how, times) in [
        ("kill -9 of the monitor → its partner's replacement supervises", Signal::KILL, kills),
        ("SIGSTOP of the monitor → the same", Signal::STOP, hangs),
    ]
    .into_iter()
    .filter(|(.., times)| *times > 0)
    {
        let measure = |nth| pair::Pair::launch(stage, SIZE, &format!("{how:?}-{nth}"))?.without(how);
        let taken = (0..times).map(measure).collect::<io::Result<Vec<_>>>()?;
        report.spread(what, SIZE, &taken, None);
    }
    Ok(())
}
