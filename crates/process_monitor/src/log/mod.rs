//! The monitor's own log (SPEC 4.8).
//!
//! | module | |
//! | --- | --- |
//! | [`spec`] | what is logged, and in which form |
//! | [`mod@file`] | where: one file per start, the newest ten kept |
//! | [`mod@line`] | an event as one line, whatever is in it |
//! | [`sink`] | getting lines out without making anybody wait |

mod file;
mod line;
mod sink;
mod spec;

pub use file::monitor_logs;
pub use spec::{LogSpec, UnknownWord};

use line::Lines;
use process_monitor_host::clock;
use process_monitor_host::files::FileError;
use process_monitor_host::layout::Layout;
use sink::Sink;
use std::fs::OpenOptions;
use std::io::{self, Write};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// What is to be logged cannot be understood.
    #[error("TOM_PM_LOG: {0}")]
    Spec(#[from] UnknownWord),
    /// Its file or folder can't be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The thread that writes it can't be started.
    #[error("cannot start a thread to write the log: {0}")]
    Thread(io::Error),
    /// This process has a log already.
    #[error("this process logs already")]
    AlreadyStarted,
}

/// Keeps the log's writer threads. When it is dropped, what is waiting has been written (as far as that
/// is possible within a second), and each later line is written by who logs it.
#[derive(Debug)]
pub struct LogGuard {
    sinks: Vec<Sink>,
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.sinks.iter().for_each(Sink::close);
    }
}

/// Starts this process's log: a new file in `layout`'s log folder, and the standard error output too when
/// in the `foreground` (the standard output as process 1: in a container that is the log). `spec` is the text of `TOM_PM_LOG`; see [`LogSpec`].
///
/// # Errors
/// [`LogError`]; nothing is logged then.
pub fn start(layout: &Layout, foreground: bool, spec: Option<&str>) -> Result<LogGuard, LogError> {
    let spec: LogSpec = spec.unwrap_or_default().parse()?;
    let (subscriber, guard) = open(layout, foreground, spec)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LogError::AlreadyStarted)?;
    Ok(guard)
}

/// Adds a line to the newest log of `layout`'s monitor: for one that has none of its own, not yet or not any more. Where
/// there is no log, nobody misses it.
pub fn append(layout: &Layout, spec: Option<&str>, level: Level, message: &str) {
    let form = spec.unwrap_or_default().parse().map(|spec: LogSpec| spec.form).unwrap_or_default();
    let line = line::Content::message(message.to_owned()).line(form, clock::wall(), level, module_path!());
    let newest = monitor_logs(layout).ok().and_then(|mut logs| logs.pop());
    let file = newest.and_then(|path| OpenOptions::new().append(true).open(path).ok());
    if let Some(mut file) = file {
        // One write, so that it is one line beside those of the monitor that runs.
        let _told_elsewhere = file.write_all(line.as_bytes());
    }
}

fn open(
    layout: &Layout,
    foreground: bool,
    spec: LogSpec,
) -> Result<(impl tracing::Subscriber + Send + Sync, LogGuard), LogError> {
    let file = file::create(layout)?;
    let mut sinks = vec![Sink::start(file, spec.form).map_err(LogError::Thread)?];
    if foreground {
        let sink = match std::process::id() {
            1 => Sink::start(io::stdout(), spec.form),
            _ => Sink::start(io::stderr(), spec.form),
        };
        sinks.push(sink.map_err(LogError::Thread)?);
    }
    let lines = Lines::new(spec.form, sinks.clone());
    let subscriber = tracing_subscriber::registry().with(targets(spec)).with(lines);
    Ok((subscriber, LogGuard { sinks }))
}

/// Details are wanted of this program, not of the libraries in it.
fn targets(spec: LogSpec) -> Targets {
    Targets::new()
        .with_default(spec.level.min(tracing::Level::INFO))
        .with_target("process_monitor", spec.level)
}

#[cfg(test)]
mod tests;
