//! What the logger knows of one stream, and how it bears with a log file that cannot be written.

use super::super::names::Stream;
use super::staging::Staging;
use crate::failpoint::refused;
use crate::output::protocol::Limits;
use crate::sys::fifo::{self, Reader};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a program may be blocked by a log file that cannot be written; after that, its output
/// is dropped and counted.
const PATIENCE: Duration = Duration::from_secs(5);

/// The first wait before writing is tried again; it doubles each time.
const FIRST_RETRY: Duration = Duration::from_millis(50);

/// The longest wait before writing is tried again.
const LAST_RETRY: Duration = Duration::from_secs(1);

/// The first wait before the end of a FIFO is looked for again that nothing tells; it doubles each time, up to [`LAST_RETRY`].
const FIRST_LOOK: Duration = Duration::from_millis(20);

/// Turns in a row that found much, before the FIFO is enlarged.
const BUSY_TURNS: u8 = 4;

/// One stream of a run whose FIFO is open.
pub(super) struct StreamState {
    pub(super) token: u64,
    pub(super) fifo: Reader,
    pub(super) folder: Arc<Path>,
    pub(super) stream: Stream,
    pub(super) limits: Limits,
    pub(super) fault: Fault,
    /// Where the FIFO is.
    pub(super) path: PathBuf,
    /// Bytes cannot be moved from FIFO to file in one step: they are staged in between.
    pub(super) stages: bool,
    /// Where they are staged, once there were any.
    pub(super) staging: Option<Staging>,
    /// Whether the end of the FIFO will be reported. It is not when the last writer was gone
    /// before we opened it (`fifo_open()` in `fs/pipe.c`); once the FIFO was seen empty and not at its
    /// end, there was a writer after.
    pub(super) end_is_reported: bool,
    /// Nothing tells of the end of the FIFO, as long as this system runs: see [`fifo::TELLS_END`].
    pub(super) ends_silently: bool,
    /// When the end is looked for next, and how long that waits.
    look: Option<(Instant, Duration)>,
    busy_turns: u8,
}

/// Whether the log file can be written.
pub(super) enum Fault {
    /// As far as is known.
    None,
    /// Not since then. The bytes wait in the FIFO.
    Waiting { since: Instant, delay: Duration, retry_at: Instant },
    /// Not for so long that output is dropped.
    Dropping(Dropped),
}

/// What was dropped.
pub(super) struct Dropped {
    /// How much.
    pub(super) bytes: u64,
    /// Why.
    pub(super) reason: io::Error,
    /// The last byte dropped did not end its line.
    pub(super) mid_line: bool,
    /// When writing is tried again.
    pub(super) retry_at: Instant,
}

impl Dropped {
    /// The line that takes the place of what was dropped.
    pub(super) fn notice(&self) -> String {
        format!("[process_monitor] {} bytes of output were dropped: {}\n", self.bytes, self.reason)
    }

    /// Writing failed again.
    pub(super) fn still(&mut self, reason: io::Error, now: Instant) {
        self.reason = reason;
        self.retry_at = now + LAST_RETRY;
    }
}

impl StreamState {
    pub(super) fn new(
        token: u64,
        (path, fifo): (PathBuf, Reader),
        folder: Arc<Path>,
        stream: Stream,
        limits: Limits,
    ) -> Self {
        // One that another logger has staged is taken to its end that way, too.
        let stages = !fifo::MOVES || refused("copier::moves").is_err() || Staging::path(&path).exists();
        Self {
            token,
            fifo,
            path,
            stages,
            staging: None,
            folder,
            stream,
            limits,
            fault: Fault::None,
            end_is_reported: false,
            ends_silently: !fifo::TELLS_END || refused("logger::reports").is_err(),
            look: None,
            busy_turns: 0,
        }
    }

    /// These bytes were dropped, if any are to be; the next one may be inside a line.
    pub(super) fn dropped(&mut self, bytes: &[u8], mid_line: bool) {
        if let Fault::Dropping(dropped) = &mut self.fault {
            dropped.bytes = dropped.bytes.saturating_add(bytes.len() as u64);
            dropped.mid_line = mid_line;
        }
    }

    /// Makes sure that there is a place for staged bytes.
    pub(super) fn stage(&mut self) -> io::Result<&mut Staging> {
        let staging = match self.staging.take() {
            Some(staging) => staging,
            None => Staging::open(&self.path, &self.fifo, &self.folder, self.stream)?,
        };
        Ok(self.staging.insert(staging))
    }

    /// Whether bytes are staged, which no report of the FIFO tells.
    pub(super) fn has_staged(&self) -> bool {
        self.staging.as_ref().is_some_and(|staging| !staging.is_empty())
    }

    /// Takes up to `length` of the next bytes away. None: there will never be any more.
    pub(super) fn consume(&mut self, length: usize) -> io::Result<Vec<u8>> {
        if let Some(staging) = self.staging.as_mut().filter(|staging| !staging.is_empty()) {
            return Ok(staging.discard(length));
        }
        let mut bytes = vec![0; length];
        let read = fifo::read(&self.fifo, &mut bytes)?;
        bytes.truncate(read);
        Ok(bytes)
    }

    /// When it is to be served again although nothing happens.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        match &self.fault {
            Fault::None => self.look.map(|(at, _)| at),
            Fault::Waiting { retry_at, .. } => Some(*retry_at),
            Fault::Dropping(dropped) => Some(dropped.retry_at),
        }
    }

    /// Sees to it that the end of the FIFO is found that nothing tells, as long as it is `wanted`: when nothing is known to run
    /// that would write, so that it is near.
    pub(super) fn look_for_end(&mut self, wanted: bool, now: Instant) {
        self.look = match self.look {
            _ if !wanted || !self.ends_silently => None,
            None => Some((now + FIRST_LOOK, FIRST_LOOK)),
            Some((at, delay)) if at > now => Some((at, delay)),
            Some((_, delay)) => {
                let delay = (delay * 2).min(LAST_RETRY);
                Some((now + delay, delay))
            }
        };
    }

    /// Writing failed: wait, or, when that took too long, begin to drop.
    pub(super) fn failed(&mut self, reason: io::Error, now: Instant) {
        self.fault = match self.fault {
            Fault::Waiting { since, delay, .. } if now.saturating_duration_since(since) < PATIENCE => {
                let delay = (delay * 2).min(LAST_RETRY);
                Fault::Waiting { since, delay, retry_at: now + delay }
            }
            Fault::None => Fault::Waiting { since: now, delay: FIRST_RETRY, retry_at: now + FIRST_RETRY },
            _ => Fault::Dropping(Dropped { bytes: 0, reason, mid_line: false, retry_at: now + LAST_RETRY }),
        };
    }

    /// Whether this turn, which moved `much` or not, shows that a larger FIFO pays; true once.
    pub(super) fn turned_busy(&mut self, much: bool) -> bool {
        if self.busy_turns >= BUSY_TURNS {
            return false;
        }
        self.busy_turns = if much { self.busy_turns + 1 } else { 0 };
        self.busy_turns == BUSY_TURNS
    }
}
