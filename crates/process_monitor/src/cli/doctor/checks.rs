//! The checks. Each looks at one thing and changes nothing that matters.

use super::finding::Finding;
use crate::cli::render::format;
use process_monitor_client::Error;
use process_monitor_client::api::{MonitorStatus, ProcessStatus};
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::OutputMode;
use process_monitor_host::layout::Layout;
use process_monitor_host::lock::{LockHolder, MonitorInfo};
use process_monitor_host::process::record::{self, RecordState};
use process_monitor_host::process::{BootId, Identity, limits};
use process_monitor_host::survey::Descriptors;
use process_monitor_host::{files, survey};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

/// Less free space than this is a warning.
const LOW_SPACE: u64 = 500 << 20;

/// Fewer free descriptors than this is a warning.
const LOW_DESCRIPTORS: u64 = 256;

const MORE_DESCRIPTORS: &str =
    "raise the hard limit (ulimit -Hn, or LimitNOFILE of systemd), then stop the monitor and start it anew";

/// A lock file is small; what is larger is none.
const LOCK_MAX_BYTES: u64 = 64 << 10;

/// What nothing works without is there; told only when it is not.
pub fn system() -> Option<Finding> {
    let missing = survey::missing();
    let found = || format!("there is no {}, and nothing starts without", missing.join(" and no "));
    (!missing.is_empty()).then(|| Finding::bad("system", found(), survey::MAKE_MISSING))
}

/// The directory is there, and can be written.
pub fn directory(layout: &Layout) -> Finding {
    const CHECK: &str = "directory";
    let path = layout.directory();
    let shown = path.display();
    if !path.exists() {
        return Finding::ok(CHECK, format!("{shown} does not exist yet; the first start creates it"));
    }
    match try_to_write(path) {
        Ok(()) => Finding::ok(CHECK, format!("{shown} can be written")),
        Err(error) => Finding::bad(
            CHECK,
            format!("cannot write in {shown}: {error}"),
            "make it a folder that you may write in, on a disk that is not full, or choose another with --directory",
        ),
    }
}

/// Nothing but trying tells whether a file can be written: modes, ACLs, read-only and full disks. A full
/// disk still takes an empty file, and may take what is not synced.
fn try_to_write(folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).open(&probe)?;
    let written = file.write_all(b"a few bytes").and_then(|()| file.sync_all());
    fs::remove_file(&probe)?;
    written
}

/// Nobody else can read what is private.
pub fn private_folder(layout: &Layout) -> Finding {
    const CHECK: &str = "permissions";
    let path = layout.state();
    if !path.exists() {
        return Finding::ok(CHECK, "nothing private is there yet");
    }
    match files::private_dir(&path) {
        Ok(()) => Finding::ok(CHECK, format!("{} is yours alone", path.display())),
        Err(error) => Finding::bad(CHECK, error.to_string(), "as long as this is so, no monitor starts here"),
    }
}

/// The monitor runs and answers.
pub fn monitor(layout: &Layout, status: &Result<MonitorStatus, Error>, program: &str) -> Finding {
    const CHECK: &str = "monitor";
    let lock_holder = MonitorInfo::read(layout).filter(MonitorInfo::is_running);
    match (status, lock_holder) {
        (Ok(status), _) => {
            let uptime = format::duration(Duration::from_secs(status.uptime));
            let (pid, started) = (status.pid, status.started_at);
            Finding::ok(CHECK, format!("{} with pid {pid} since {started} ({uptime})", status.state))
        }
        (Err(Error::NotRunning { .. }), None) => {
            Finding::warn(CHECK, "it is not running", format!("start it with: {program}"))
        }
        (Err(Error::NotRunning { .. }), Some(info)) => Finding::bad(
            CHECK,
            format!("it runs with pid {} since {}, but listens nowhere", info.identity.pid, info.since),
            "it may just be starting or stopping; else kill it and start it again: its processes run on",
        ),
        (Err(error), Some(info)) => Finding::bad(
            CHECK,
            format!("it runs with pid {} since {}, but: {error}", info.identity.pid, info.since),
            "if this stays so, kill it and start it again: its processes run on",
        ),
        (Err(error), None) => Finding::bad(CHECK, error.to_string(), error.advice(program)),
    }
}

/// The logger runs.
pub fn logger(status: &MonitorStatus) -> Finding {
    const CHECK: &str = "logger";
    match status.logger_pid {
        Some(pid) => Finding::ok(CHECK, format!("running with pid {pid}")),
        None => Finding::bad(
            CHECK,
            "it is not running; what programs print waits, and programs that print much are blocked",
            "the monitor's log says why; then restart the monitor with --restart",
        ),
    }
}

/// The API listens over TCP where it should.
pub fn api(status: &MonitorStatus) -> Finding {
    const CHECK: &str = "API";
    let addresses = status.api_addresses.join(", ");
    match status.api_trouble.as_slice() {
        [] if addresses.is_empty() => {
            Finding::warn(CHECK, "it does not listen over TCP", "the monitor's log says why")
        }
        [] => {
            let certificate = status.api_fingerprint.iter().map(|of| format!("; its certificate is {of}"));
            Finding::ok(CHECK, format!("listens on {addresses}{}", certificate.collect::<String>()))
        }
        troubles => Finding::warn(CHECK, troubles.join("\n"), "the command line works all the same"),
    }
}

/// The registry can be read.
pub fn registry(layout: &Layout, processes: &Result<Vec<ProcessStatus>, Error>, program: &str) -> Finding {
    const CHECK: &str = "registry";
    let path = layout.registry();
    match processes {
        Ok(_) if !path.exists() => Finding::ok(CHECK, format!("{} does not exist yet", path.display())),
        Ok(processes) => {
            Finding::ok(CHECK, format!("{} holds {} processes", path.display(), processes.len()))
        }
        Err(error) => Finding::bad(CHECK, error.to_string(), error.advice(program)),
    }
}

/// Nobody holds the registry's lock for long.
pub fn registry_lock(layout: &Layout) -> Finding {
    const CHECK: &str = "registry lock";
    let path = layout.registry_lock();
    let content = match files::read_bounded(&path, LOCK_MAX_BYTES) {
        Ok(content) => content,
        Err(error) if error.is_not_found() => return Finding::ok(CHECK, "free"),
        Err(error) => return Finding::bad(CHECK, error.to_string(), "remove what is there"),
    };
    let Ok(holder) = serde_json::from_slice::<LockHolder>(&content) else {
        let found = format!("{} does not say who holds it", path.display());
        return Finding::warn(CHECK, found, "the next change breaks it, once it is old enough");
    };
    match Identity::of(holder.pid) {
        Ok(None) => Finding::warn(
            CHECK,
            format!("left behind by {holder}, which is gone"),
            "nothing to do: the next change breaks it",
        ),
        Ok(Some(_)) | Err(_) => Finding::warn(
            CHECK,
            format!("held by {holder}"),
            "it is held for moments only; if this stays so, that program hangs: end it",
        ),
    }
}

/// There are descriptors to spare, also for a monitor that is silent because it has none.
pub fn descriptors(layout: &Layout, monitor: Option<&MonitorStatus>) -> Finding {
    const CHECK: &str = "descriptors";
    let silent = || MonitorInfo::read(layout).filter(MonitorInfo::is_running).map(|info| info.identity.pid);
    let pid = monitor.map(|status| status.pid).or_else(silent);
    let of_monitor = pid.is_some();
    let pid = pid.unwrap_or_else(std::process::id);
    match survey::descriptors(pid) {
        Ok(Descriptors { open, limit }) => {
            let text = shown_descriptors(open, limit, of_monitor);
            match limit.is_some_and(|limit| limit.saturating_sub(open) < LOW_DESCRIPTORS) {
                true => Finding::warn(CHECK, text, MORE_DESCRIPTORS),
                false => Finding::ok(CHECK, text),
            }
        }
        Err(error) => {
            let found = format!("cannot tell those of pid {pid}: {error}");
            Finding::warn(CHECK, found, "run this as the user who runs the monitor")
        }
    }
}

fn shown_descriptors(open: u64, limit: Option<u64>, of_monitor: bool) -> String {
    let allowed = limit.map_or_else(|| "no limit".to_owned(), |limit| format!("{limit} allowed"));
    let room =
        |output| limit.filter(|_| of_monitor).map(|limit| limits::room_for_programs(output, open, limit));
    match room(OutputMode::Capture).zip(room(OutputMode::Discard)) {
        Some((room, more)) => format!(
            "{open} open, {allowed} (of the monitor), room for about {room} more programs ({more} if their output is discarded)"
        ),
        None if of_monitor => format!("{open} open, {allowed} (of the monitor)"),
        None => format!("{open} open, {allowed} (here)"),
    }
}

/// What the kernel can do.
pub fn kernel() -> Finding {
    const CHECK: &str = "kernel";
    let kernel = survey::kernel();
    if kernel.tells_exits_of_strangers {
        return Finding::ok(CHECK, format!("{} {}", kernel.name, kernel.release));
    }
    Finding::warn(
        CHECK,
        format!(
            "{} {} does not tell the exit codes of processes that outlived their monitor",
            kernel.name, kernel.release
        ),
        "they are shown as unknown; use Linux 6.15 or later if that matters",
    )
}

/// There is room for what programs print.
pub fn space(layout: &Layout) -> Finding {
    const CHECK: &str = "disk space";
    let existing = layout.directory().ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let found = match survey::space(existing) {
        Ok(space) => space,
        Err(error) => {
            let found = format!("cannot tell that of {}: {error}", existing.display());
            return Finding::warn(CHECK, found, "see whether the disk is mounted");
        }
    };
    let text = format!("{} of {} free", format::bytes(found.free_bytes), format::bytes(found.total_bytes));
    match (found.free_bytes < LOW_SPACE, found.free_files) {
        (true, _) => {
            Finding::warn(CHECK, text, "make room: output that cannot be written waits, and then blocks")
        }
        (false, Some(files)) if files < 1000 => Finding::warn(
            CHECK,
            format!("{text}, but only {files} files"),
            "remove small files: inodes run out",
        ),
        (false, _) => Finding::ok(CHECK, text),
    }
}

/// Nothing is left of what is no more.
pub fn leftovers(
    layout: &Layout,
    monitor_runs: bool,
    processes: Option<&[ProcessStatus]>,
    program: &str,
) -> Finding {
    const CHECK: &str = "left-overs";
    let records = BootId::current().and_then(|boot| record::read_all(&layout.runs(), &boot));
    let records = match records {
        Ok(records) => records,
        Err(error) => {
            let found = format!("cannot read the run records in {}: {error}", layout.runs().display());
            return Finding::bad(CHECK, found, "run this as the user who runs the monitor");
        }
    };
    let broken = records.iter().filter_map(|(_, record)| record.as_ref().err()).next();
    if let Some(error) = broken {
        return Finding::warn(CHECK, error.to_string(), "remove that file");
    }
    let found: Vec<_> = records.iter().filter_map(|(_, record)| record.as_ref().ok()).collect();
    let alive: Vec<&ProcessId> =
        found.iter().filter(|record| is_alive(&record.state)).map(|record| &record.intent.process).collect();
    if !monitor_runs && !alive.is_empty() {
        let names = alive.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(", ");
        return Finding::warn(
            CHECK,
            format!("these run without a monitor: {names}"),
            format!("start it with: {program}; it takes them over"),
        );
    }
    let registered = |id: &ProcessId| processes.is_none_or(|all| all.iter().any(|process| process.id == *id));
    match alive.into_iter().find(|id| !registered(id)) {
        Some(id) => Finding::warn(
            CHECK,
            format!("{id} still runs, but is not registered any more"),
            "if this stays so, the monitor's log says why",
        ),
        None => Finding::ok(CHECK, "none"),
    }
}

fn is_alive(state: &RecordState) -> bool {
    matches!(state, RecordState::Spawned(identity) if identity.is_alive().unwrap_or(false))
}
