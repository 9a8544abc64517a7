//! `cargo run --release -p process-monitor-bench [-- [--quick | --growth | --pair | --switch | --capture | --load | --huge] [--json FILE]]`
//!
//! Measures the monitor, each figure beside a floor taken in the same run: the same workload under a
//! bare loop of spawn, kill and wait. The workload is this program itself; it says on a socket that
//! it runs, so that both are measured up to the same moment.
//!
//! | file | what |
//! | --- | --- |
//! | `plan` | how much is measured |
//! | `stage`, `monitor`, `floor` | workloads, the monitor, and the bare loop |
//! | `size` | what is measured for each number of processes; `api`, `checks` |
//! | `capture` | output |
//! | `pair`, `switch` | monitors that die, hang, or replace themselves |
//! | `report`, `growth`, `stats` | what is printed |

mod api;
mod capture;
mod checks;
mod floor;
mod growth;
mod monitor;
mod pair;
mod plan;
mod report;
mod size;
mod stage;
mod stats;
mod switch;

use plan::Plan;
use report::Report;
use rustix::process::Signal;
use stage::Stage;
use std::io;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [stage::WORKLOAD, socket, name] => stage::work(socket, name),
        [stage::WRITER, writer @ ..] => capture::write(writer),
        args => plan::asked(args).and_then(|(plan, json)| {
            let mut report = Report::default();
            let measured = measure(plan, &mut report);
            // What was measured before something failed is true all the same.
            report.print();
            let saved = json.map_or(Ok(()), |file| report.save(&file));
            measured.and(saved)
        }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(plan: &Plan, report: &mut Report) -> io::Result<()> {
    let (stage, begun) = (Stage::new()?, Instant::now());
    let bare = floor::replacements(&stage, plan.kills)?;
    report.spread("bare loop: kill, wait, spawn", 1, &bare, None);
    for size in plan.sizes {
        size::measure(plan, &stage, *size, &bare, report)?;
    }
    for part in [outputs, pairs, switches] {
        if begun.elapsed().as_secs() >= plan.most_seconds {
            eprintln!(
                "the rest was left out: this machine is busy, and {} seconds are over",
                plan.most_seconds
            );
            break;
        }
        part(plan, &stage, report)?;
    }
    Ok(())
}

/// Programs that write as fast as they can.
fn outputs(plan: &Plan, stage: &Stage, report: &mut Report) -> io::Result<()> {
    for output in plan.outputs {
        let captured = capture::measure(stage, *output, plan.kills)?;
        report.captured(*output, &captured);
    }
    Ok(())
}

/// A monitor that replaces itself while it is asked and listened to, and while programs crash.
fn switches(plan: &Plan, stage: &Stage, report: &mut Report) -> io::Result<()> {
    const SIZE: usize = 100;
    if plan.switches == 0 {
        return Ok(());
    }
    let mut monitor = monitor::Monitor::launch_on(stage, "switched", &monitor::registry(stage, SIZE, None))?;
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
