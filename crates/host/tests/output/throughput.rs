//! How fast output is copied, beside `cat` from a pipe to a file (SPEC 8: at least 0.8 times), and what that takes.
//! The measurement is run by hand: `cargo test --release -p process-monitor-host --test output -- --ignored --nocapture`.

use crate::support::{Instance, eventually, limits};
use process_monitor_host::output::protocol::Limits;
use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SPAN: Duration = Duration::from_secs(3);

/// Bytes per second that `yes` gets rid of.
fn rate(stdout: impl Into<Stdio>, size: impl Fn() -> u64, finish: impl FnOnce()) -> f64 {
    let began = Instant::now();
    let span = format!("{}", SPAN.as_secs());
    Command::new("timeout").args([&span, "yes", LINE]).stdout(stdout).status().unwrap();
    finish();
    size() as f64 / began.elapsed().as_secs_f64()
}

const LINE: &str = "2026 a line of a program that says what it does, as they all do, about so long";

fn cat(folder: &std::path::Path) -> f64 {
    let path = folder.join("cat");
    let mut cat =
        Command::new("cat").stdin(Stdio::piped()).stdout(File::create(&path).unwrap()).spawn().unwrap();
    let pipe = std::os::fd::OwnedFd::from(cat.stdin.take().unwrap());
    let rate = rate(pipe, || path.metadata().unwrap().len(), || assert!(cat.wait().unwrap().success()));
    std::fs::remove_file(path).unwrap();
    rate
}

fn logger(limits: Limits) -> f64 {
    let instance = Instance::new();
    let monitor = instance.connect();
    let mut run = instance.start("web", limits);
    monitor.attach(&run);
    let stdout = run.stdout.take().unwrap();
    run.stderr = None;
    let size = || {
        let files = std::fs::read_dir(&run.attach.folder).unwrap();
        files.map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
    };
    rate(stdout, size, || monitor.expect_closed(&run))
}

#[test]
#[ignore = "a measurement, not a test"]
fn against_cat() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let cat = cat(folder.path());
        let all = Limits { keep_files: 100_000, ..limits() };
        let plain = logger(Limits { max_file_bytes: u64::MAX, ..all });
        let rotating = logger(all);
        let stamped = logger(Limits { timestamps: true, ..all });
        println!(
            "round {round}: cat {:.0} MB/s; logger {:.2}, rotating every 50 MiB {:.2}, with time stamps {:.2} of it",
            cat / 1e6,
            plain / cat,
            rotating / cat,
            stamped / cat
        );
    }
}

/// A writer that fills what a FIFO holds by default waits for the logger as often as it writes, at half of the speed. Buffers of whole lines
/// never fill it to the last byte.
#[test]
#[cfg(target_os = "linux")] // elsewhere a FIFO cannot be made larger
fn the_fifo_of_a_program_that_prints_much_becomes_larger() {
    let instance = Instance::new();
    let monitor = instance.connect();
    let mut run = instance.start("web", limits());
    monitor.attach(&run);
    let lines = format!("{LINE}\n").repeat((60 << 10) / (LINE.len() + 1));
    let size = |fifo: &File| rustix::pipe::fcntl_getpipe_size(fifo).unwrap();
    let before = size(run.stdout.as_ref().unwrap());
    eventually("its FIFO is larger", || {
        let mut stdout = run.stdout.as_ref().unwrap();
        stdout.write_all(lines.as_bytes()).unwrap();
        size(stdout) > before
    });
    assert_eq!(size(run.stderr.as_ref().unwrap()), before);
    run.close();
    monitor.expect_closed(&run);
}
