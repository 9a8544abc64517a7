//! Keeps a logger there: connects to the one that runs, starts one where none does, and again
//! whenever it dies.

use super::inbox::{Inbox, Message};
use process_monitor_core::engine::policy;
use process_monitor_core::model::Backoff;
use process_monitor_host::layout::Layout;
use process_monitor_host::output::link::{LoggerLink, LoggerProgram};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// The waits between tries, for a logger that dies at once or cannot be started. Programs that print
/// much are blocked meanwhile, so they are short.
const BACKOFF: [u64; 5] = [0, 100, 500, 1000, LONGEST_PAUSE.as_millis() as u64];

/// The longest of these waits.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A logger that lived this long is started again at once.
const STABLE: Duration = Duration::from_secs(10);

/// For the supervising thread.
pub struct LoggerKeeper {
    gone: mpsc::Sender<()>,
}

impl LoggerKeeper {
    /// Starts the thread that keeps a logger there; each connection arrives as [`Message::LoggerUp`].
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(layout: Layout, executable: PathBuf, inbox: Inbox) -> io::Result<Self> {
        let (gone, told) = mpsc::channel();
        // This thread lives as long as the monitor: see `jobs`.
        thread::Builder::new()
            .name("logger".into())
            .spawn(move || keep(&layout, &executable, &inbox, &told))?;
        Ok(Self { gone })
    }

    /// The connection was lost: there must be another.
    pub fn lost(&self) {
        if self.gone.send(()).is_err() {
            tracing::error!(
                "the thread that keeps the logger has ended; output waits until the monitor is restarted"
            );
        }
    }
}

fn program(layout: &Layout, executable: PathBuf) -> LoggerProgram {
    let args: Vec<OsString> = vec![
        "logger".into(),
        "--directory".into(),
        layout.directory().into(),
        "--instance".into(),
        layout.instance().as_str().into(),
    ];
    LoggerProgram { program: executable, args, log: layout.logger_log() }
}

fn keep(layout: &Layout, executable: &Path, inbox: &Inbox, gone: &mpsc::Receiver<()>) {
    let mut tries = 0;
    loop {
        let begun = Instant::now();
        let tell = inbox.clone();
        let program = program(layout, executable.to_owned());
        match LoggerLink::connect(layout, &program, move |event| tell.send(Message::Logger(event))) {
            Ok(link) => {
                inbox.send(Message::LoggerUp(link));
                if gone.recv().is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::error!(%error, "cannot reach the logger; what programs print waits in the kernel")
            }
        }
        tries = if begun.elapsed() >= STABLE { 0 } else { tries + 1 };
        thread::sleep(policy::delay(Backoff::Intervals(&BACKOFF), tries, 0));
    }
}
