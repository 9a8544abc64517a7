//! The log process: one per instance, one thread, asleep unless there is something to copy.
//!
//! | module | |
//! | --- | --- |
//! | [`own`] | being the one logger, and being found |
//! | [`session`], [`monitor`] | the monitor's connection, and what it asks for |
//! | [`attached`], [`attach`], [`memory`] | the runs whose output is copied |
//! | [`copier`], [`scratch`], [`staging`] | FIFO → file, exactly once |
//! | [`log_file`], [`files`], [`rotate`], [`retain`] | the files |
//! | [`times`] | when bytes were read, for the order of streams |
//! | [`stream`] | one stream, and how it bears with a full disk |
//! | [`exits`], [`discarded`] | exits while no monitor is there |
//!
//! Invariants:
//! * A byte leaves a FIFO only by the system call that appends it to its file, or is counted as dropped. Nothing here is
//!   needed to know where a file ends; the file says so. So a kill needs no recovery.
//! * Where the system has no such call, bytes are staged in a file of their own, from which a kill is recovered ([`staging`]).
//! * No file is touched for a stream that has no output, and nothing wakes up when nothing happens.
//! * Monitors come and go; a failure of one stream, or of the monitor, never ends the logger.

mod attach;
mod attached;
mod copier;
mod discarded;
mod exits;
mod files;
mod log_file;
mod memory;
mod monitor;
mod own;
mod retain;
mod rotate;
mod scratch;
mod session;
mod staging;
mod stream;
mod times;

pub use memory::{leave_word, take_back_word};

use crate::fd::AsFd;
use crate::files::{FileError, remove_if_there};
use crate::layout::Layout;
use crate::lock::LifeLock;
use crate::sys::local::LocalListener;
use crate::sys::readiness::Readiness;
use crate::sys::terms::Interest;
use attached::{AttachedRuns, Part, Token};
use copier::Copier;
use memory::Memory;
use session::Session;
use std::collections::BTreeSet;
use std::io;
use std::time::{Duration, Instant};

/// How long the logger waits for a monitor when it has nothing to copy. A monitor that finds none starts one at once.
const GRACE: Duration = Duration::from_secs(5);

/// What is reported when the listening socket has a connection. Runs have numbers from 1, and tokens
/// from 4.
const LISTENER: Token = 0;
/// What is reported when the monitor has written.
const MONITOR: Token = 1;
/// What is reported when one has written that has not said hello yet.
const NEWCOMER: Token = 2;

/// Why the logger could not begin, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum LoggerError {
    /// A file or socket of its own.
    #[error(transparent)]
    File(#[from] FileError),
    /// The system refused something that the logger cannot do without.
    #[error("the logger cannot {action}: {source}")]
    System {
        /// What was attempted.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

fn system(action: &'static str) -> impl FnOnce(io::Error) -> LoggerError {
    move |source| LoggerError::System { action, source }
}

/// The log process's main. Returns when it is asked to leave, when nothing is left to do, or at once
/// when another logger serves this instance.
///
/// # Errors
/// When it cannot begin, or cannot wait for output.
pub fn run(layout: Layout) -> Result<(), LoggerError> {
    let Some(lock) = own::acquire(&layout)? else {
        tracing::info!("another logger serves this instance");
        return Ok(());
    };
    if let Err(error) = crate::process::limits::raise_nofile() {
        tracing::warn!("cannot raise the limit of open files: {error}");
    }
    let (memory, runs) = Memory::recall(&layout);
    let mut logger = Logger::new(layout, lock, memory)?;
    logger.go_on_with(runs);
    logger.listen()?;
    logger.serve()
}

/// Whether the monitor asked the logger to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quit {
    No,
    WhenDone,
    Now,
}

struct Logger {
    layout: Layout,
    readiness: Readiness,
    listener: Option<LocalListener>,
    session: Option<Session>,
    /// Has connected and not yet said hello; only that makes it the monitor.
    newcomer: Option<Session>,
    runs: AttachedRuns,
    memory: Memory,
    copier: Copier,
    /// What is to be done although nothing happens: streams whose file or FIFO gave trouble.
    retries: BTreeSet<(Instant, Token)>,
    quit: Quit,
    /// Since when there is neither run nor monitor.
    idle_since: Option<Instant>,
    /// Last, so that it is released last.
    _lock: LifeLock,
}

impl Logger {
    fn new(layout: Layout, lock: LifeLock, memory: Memory) -> Result<Self, LoggerError> {
        Ok(Self {
            layout,
            readiness: Readiness::new().map_err(system("wait for many descriptors"))?,
            listener: None,
            session: None,
            newcomer: None,
            runs: AttachedRuns::default(),
            memory,
            copier: Copier::new().map_err(system("create a pipe"))?,
            retries: BTreeSet::new(),
            quit: Quit::No,
            idle_since: None,
            _lock: lock,
        })
    }

    fn listen(&mut self) -> Result<(), LoggerError> {
        let listener = own::listener(&self.layout)?;
        self.watch(&listener, LISTENER).map_err(system("watch its socket"))?;
        self.listener = Some(listener);
        Ok(())
    }

    fn serve(&mut self) -> Result<(), LoggerError> {
        let mut ready = Vec::new();
        while !self.is_done(Instant::now()) {
            self.readiness
                .wait(&mut ready, self.next_deadline().map(late))
                .map_err(system("wait for output"))?;
            for token in &ready {
                self.dispatch(*token);
            }
            self.retry(Instant::now());
            self.shorten_memory();
            self.flush();
        }
        self.leave();
        Ok(())
    }

    fn dispatch(&mut self, token: Token) {
        match token {
            LISTENER => self.accept(),
            MONITOR => self.hear(),
            NEWCOMER => self.greet(),
            token => match attached::split(token) {
                (number, Part::Exit) => self.note_exit(number),
                (number, Part::Stream(index)) => self.serve_stream(number, index),
            },
        }
    }

    fn retry(&mut self, now: Instant) {
        while let Some((at, token)) = self.retries.first().copied().filter(|(at, _)| *at <= now) {
            self.retries.remove(&(at, token));
            if let (number, Part::Stream(index)) = attached::split(token) {
                self.open_stream(number, index);
                self.serve_stream(number, index);
            }
        }
    }

    /// Until when to sleep at most.
    fn next_deadline(&self) -> Option<Duration> {
        let retry = self.retries.first().map(|(at, _)| *at);
        let grace = self.idle_since.map(|since| since + GRACE);
        let next = [retry, grace].into_iter().flatten().min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    fn is_done(&mut self, now: Instant) -> bool {
        let idle = self.runs.is_empty();
        match self.quit {
            Quit::Now => return true,
            Quit::WhenDone if idle => return true,
            _ => {}
        }
        self.idle_since = (idle && self.session.is_none()).then(|| self.idle_since.unwrap_or(now));
        self.idle_since.is_some_and(|since| now.saturating_duration_since(since) >= GRACE)
    }

    /// Nobody finds the socket any more; who has just connected sees its end and starts another logger.
    fn leave(&mut self) {
        crate::crash_point!("logger::leave");
        if let Err(error) = remove_if_there(self.layout.logger_socket()) {
            tracing::warn!("cannot remove the logger's socket: {error}");
        }
        self.flush();
    }

    fn watch(&self, source: impl AsFd, token: Token) -> io::Result<()> {
        self.readiness.add(source, token, Interest::Read)
    }

    /// Undoes [`watch`](Self::watch).
    fn unwatch(readiness: &Readiness, source: impl AsFd) {
        if let Err(error) = readiness.remove(source) {
            tracing::debug!("cannot stop watching a descriptor: {error}");
        }
    }
}

/// Rounded up, so that the deadline has passed when the wait is over.
fn late(wait: Duration) -> Duration {
    wait + Duration::from_millis(1)
}
