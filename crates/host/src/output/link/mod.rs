//! The monitor's connection to the logger.

mod launch;

pub use launch::LoggerProgram;

use super::note::ExitNote;
use super::protocol::{Attach, MAX_LINE, PROTOCOL, Reply, Request};
use crate::layout::Layout;
use crate::process::{Identity, Process};
use crate::sys::local::LocalStream;
use launch::{Launched, Watcher};
use process_monitor_core::id::RunId;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a logger may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many messages may wait for a logger that doesn't read; with more it counts as gone.
const BACKLOG: usize = 64 << 10;

/// How many messages are sent together.
const AT_ONCE: usize = 256;

/// How long a logger that closed its connection may take to end, until it is left unreaped.
const REAP: Duration = Duration::from_secs(1);

/// What the logger says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoggerEvent {
    /// The run's output is being copied.
    Attached {
        /// Which run.
        run: RunId,
    },
    /// All of the run's output is in its files: let go of its [`OutputHold`](super::run::OutputHold).
    Closed {
        /// Which run.
        run: RunId,
    },
    /// An exit that was noted while no monitor was there. Once it is recorded, say
    /// [`LoggerLink::exited`].
    Exited(ExitNote),
    /// It lives and reads.
    Pong,
    /// The connection is over, because the logger ended or this link was dropped. Output waits in the
    /// FIFOs. Connect again, and attach every run that is not closed.
    Gone,
}

/// Why there is no connection to a logger.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Neither a running logger nor a new one answered.
    #[error("cannot connect to the logger at {}: {source}", path.display())]
    Connect {
        /// Its socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The logger could not be started.
    #[error("cannot start the logger {}: {source}", program.display())]
    Start {
        /// The executable.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The logger ended before it listened; its own log says why.
    #[error("the logger {} ended at once ({how}); its messages are in the monitor's log", program.display())]
    Ended {
        /// The executable.
        program: PathBuf,
        /// Its exit.
        how: String,
    },
    /// The logger is gone or hung; [`LoggerEvent::Gone`] follows.
    #[error("the logger does not take messages any more; connect again")]
    Gone,
}

/// A connection to the logger of an instance. Dropping it ends the connection, not the logger.
#[derive(Debug)]
pub struct LoggerLink {
    requests: Sender<Request>,
    /// Messages that the writer has not taken yet. (A bounded channel would take its whole bound in memory.)
    waiting: Arc<AtomicUsize>,
    stream: Shared,
    pid: u32,
}

/// One stream for all threads that use it: a copy for each would be a descriptor for each.
#[derive(Debug, Clone)]
struct Shared(Arc<LocalStream>);

impl Read for Shared {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(bytes)
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.0).flush()
    }
}

impl LoggerLink {
    /// Connects to the logger of this instance, and starts one if there is none. Returns when it has
    /// answered. `on_event` is called on a thread of the link's own, [`LoggerEvent::Gone`] last.
    ///
    /// # Errors
    /// When no logger answers within 5 s, or none can be started.
    pub fn connect(
        layout: &Layout,
        program: &LoggerProgram,
        on_event: impl Fn(LoggerEvent) + Send + 'static,
    ) -> Result<Self, LinkError> {
        let deadline = Instant::now() + PATIENCE;
        let (reader, pid) = find_or_start(layout, program, deadline)?;
        let path = layout.logger_socket();
        Self::over(reader, pid, on_event).map_err(|source| LinkError::Connect { path, source })
    }

    fn over(
        reader: BufReader<Shared>,
        pid: u32,
        on_event: impl Fn(LoggerEvent) + Send + 'static,
    ) -> io::Result<Self> {
        let stream = reader.get_ref().clone();
        stream.0.set_timeout(None)?;
        let writer = stream.clone();
        let (requests, queue) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let taken = Arc::clone(&waiting);
        thread::Builder::new().name("logger-write".into()).spawn(move || write(writer, &queue, &taken))?;
        thread::Builder::new().name("logger-read".into()).spawn(move || read(reader, pid, on_event))?;
        Ok(Self { requests, waiting, stream, pid })
    }

    /// Has the logger copy a run's output; answered by [`LoggerEvent::Attached`], and by
    /// [`LoggerEvent::Closed`] when all is copied, also for a run that was over before. Never waits.
    pub fn attach(&self, attach: Attach) -> Result<(), LinkError> {
        self.send(Request::Attach(attach))
    }

    /// Tells the logger that the run's exit is recorded. Never waits.
    pub fn exited(&self, run: &RunId) -> Result<(), LinkError> {
        self.send(Request::Exited { run: run.clone() })
    }

    /// Asks for [`LoggerEvent::Pong`]. Never waits.
    pub fn ping(&self) -> Result<(), LinkError> {
        self.send(Request::Ping)
    }

    /// Asks the logger to leave when nothing is left to copy, or `now`: what is unread then waits for
    /// the next one. Never waits.
    pub fn quit(&self, now: bool) -> Result<(), LinkError> {
        self.send(Request::Quit { now })
    }

    /// The logger's process id.
    pub fn logger_pid(&self) -> u32 {
        self.pid
    }

    fn send(&self, request: Request) -> Result<(), LinkError> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= BACKLOG {
            tracing::error!("the logger (pid {}) does not read its messages; leaving it", self.pid);
            self.stream.0.end();
            return Err(LinkError::Gone);
        }
        self.requests.send(request).map_err(|_| LinkError::Gone)
    }
}

impl Drop for LoggerLink {
    fn drop(&mut self) {
        // The writer ends with its channel, after it has sent what is in it; the reader by this.
        self.stream.0.end_reading();
    }
}

/// A connection on which the logger has said hello.
fn find_or_start(
    layout: &Layout,
    program: &LoggerProgram,
    deadline: Instant,
) -> Result<(BufReader<Shared>, u32), LinkError> {
    let path = layout.logger_socket();
    let failed = |source| LinkError::Connect { path: path.clone(), source };
    let watcher = Watcher::new(layout).map_err(failed)?;
    loop {
        let why = match greet(&path, deadline) {
            Ok((reader, pid, PROTOCOL)) => return Ok((reader, pid)),
            Ok((reader, pid, other)) => {
                dismiss(reader, pid, other);
                io::Error::other(format!("it speaks protocol {other}, not {PROTOCOL}"))
            }
            Err(error) => error,
        };
        if Instant::now() >= deadline {
            return Err(failed(why));
        }
        match watcher.launch(program, deadline)? {
            Launched::Listening => {}
            // Another one serves, or is about to end.
            Launched::Redundant => tracing::debug!("another logger was there first"),
        }
    }
}

/// Connects, and exchanges hellos.
fn greet(path: &Path, deadline: Instant) -> io::Result<(BufReader<Shared>, u32, u32)> {
    let mut stream = Shared(Arc::new(LocalStream::connect(path)?));
    let wait = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    stream.0.set_timeout(Some(wait))?;
    stream.write_all(&line(&Request::Hello { protocol: PROTOCOL })?)?;
    let mut reader = BufReader::new(stream);
    match next_reply(&mut reader)? {
        Some(Reply::Hello { protocol, pid }) => Ok((reader, pid, protocol)),
        _ => Err(io::Error::other("it ended the connection without a hello")),
    }
}

/// A logger of another version leaves its FIFOs as they are.
fn dismiss(reader: BufReader<Shared>, pid: u32, protocol: u32) {
    tracing::info!("replacing the logger (pid {pid}), which speaks protocol {protocol}");
    let mut stream = reader.into_inner();
    let asked = line(&Request::Quit { now: true }).and_then(|line| stream.write_all(&line));
    // Its end is the answer.
    let answered = asked.and_then(|()| io::copy(&mut stream, &mut io::sink()));
    if let Err(error) = answered {
        tracing::warn!("the logger (pid {pid}) did not leave: {error}");
    }
}

fn line(request: &Request) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    Ok(line)
}

/// `None` at the end of the connection. Unknown messages are skipped.
fn next_reply(reader: &mut BufReader<Shared>) -> io::Result<Option<Reply>> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        match serde_json::from_slice(&line) {
            Ok(reply) => return Ok(Some(reply)),
            Err(error) => tracing::warn!("skipping a message of the logger: {error}"),
        }
    }
}

fn write(mut stream: Shared, queue: &Receiver<Request>, waiting: &AtomicUsize) {
    let mut lines = Vec::new();
    for first in queue {
        lines.clear();
        // What has come meanwhile goes with it: each write wakes the logger.
        let queued = iter::once(first).chain(iter::from_fn(|| queue.try_recv().ok()));
        let taken = queued.take(AT_ONCE).try_for_each(|request| {
            waiting.fetch_sub(1, Ordering::Relaxed);
            lines.extend(line(&request)?);
            Ok(())
        });
        if let Err(error) = taken.and_then(|()| stream.write_all(&lines)) {
            tracing::debug!("the logger's connection broke: {error}");
            stream.0.end();
            return;
        }
    }
}

fn read(mut reader: BufReader<Shared>, pid: u32, on_event: impl Fn(LoggerEvent)) {
    let logger = Identity::of(pid);
    while let Ok(Some(reply)) = next_reply(&mut reader) {
        match reply {
            Reply::Attached { run } => on_event(LoggerEvent::Attached { run }),
            Reply::Closed { run } => {
                if crate::failpoint::refused("link::closed").is_ok() {
                    on_event(LoggerEvent::Closed { run });
                }
            }
            Reply::Exited(note) => on_event(LoggerEvent::Exited(note)),
            Reply::Pong => on_event(LoggerEvent::Pong),
            Reply::Hello { .. } => {}
        }
    }
    on_event(LoggerEvent::Gone);
    drop(reader);
    if let Err(error) = logger.and_then(reap) {
        tracing::debug!("cannot reap the logger (pid {pid}): {error}");
    }
}

/// The logger is our child if this monitor started it, and should not stay a zombie.
fn reap(logger: Option<Identity>) -> io::Result<()> {
    let Some(logger) = logger else { return Ok(()) };
    if let Some(logger) = Process::adopt(&logger)?
        && logger.wait(Some(REAP))?
    {
        logger.try_exit()?;
    }
    Ok(())
}
