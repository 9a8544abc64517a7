//! Moving a stream's bytes from its FIFO to its log files.
//!
//! A *turn* moves what is there, at most [`TURN_BYTES`], so that no stream starves another. All of
//! its errors are those of the log file; they leave the unwritten bytes in the FIFO.

use super::files::OpenFiles;
use super::log_file::LogFile;
use super::scratch::{PEEK_BYTES, Peek, Scratch};
use super::stream::{Fault, StreamState};
use super::times::Stamps;
use crate::sys::fifo;
use process_monitor_core::framing::{first_line, lines, stamp};
use std::io::{self, ErrorKind};
use std::time::Instant;

/// The most that one turn of a stream moves, in bytes.
pub(super) const TURN_BYTES: usize = 1 << 20;

/// The most that one turn of a stream with time stamps moves: each line costs two system calls.
const STAMPED_TURN_BYTES: usize = 64 << 10;

/// What a turn moves of a busy stream at least: half of what a FIFO holds if nothing else is said (pipe(7)). Not all of it, for a program that
/// writes as fast as it can seldom fills the last page.
const BUSY_BYTES: usize = 32 << 10;

/// The size of a busy stream's FIFO, in bytes. A larger one makes nothing faster, and there is a limit for all of a user's together (pipe(7),
/// pipe-user-pages-soft).
const BUSY_FIFO_BYTES: usize = 256 << 10;

/// How a turn, or a step of it, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// This many bytes were moved, and there may be more.
    Moved(usize),
    /// The FIFO is empty for now.
    Drained,
    /// The FIFO is empty for good.
    Closed,
}

/// What all streams share.
pub(super) struct Copier {
    scratch: Scratch,
    stamps: Stamps,
    pub(super) files: OpenFiles,
}

impl Copier {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { scratch: Scratch::new()?, stamps: Stamps::new(), files: OpenFiles::new() })
    }

    /// Serves `stream` once, whatever state it is in. `turned`: its run's other stream was served since this one was.
    pub(super) fn serve(&mut self, stream: &mut StreamState, turned: bool, now: Instant) -> Progress {
        if matches!(stream.fault, Fault::Dropping(_)) {
            return self.drop_or_resume(stream, now);
        }
        match self.turn(stream, turned) {
            Ok(progress) => {
                stream.fault = Fault::None;
                stream.end_is_reported |= progress == Progress::Drained;
                progress
            }
            Err(error) => {
                self.files.close(stream.token);
                stream.failed(error, now);
                Progress::Drained
            }
        }
    }

    fn turn(&mut self, stream: &mut StreamState, turned: bool) -> io::Result<Progress> {
        let mut log = match self.files.take(stream.token) {
            Some(log) => log,
            // A log file is made for output, not for the lack of it.
            None => match self.peek(stream, 1)? {
                Peek::Data(_) => self.files.open(stream)?,
                Peek::Empty => return Ok(Progress::Drained),
                Peek::Eof => return Ok(Progress::Closed),
            },
        };
        // Before the bytes: who sees them finds their time.
        log.mark(&mut self.stamps, turned);
        let progress = self.fill(stream, &mut log);
        self.files.put(stream.token, log);
        progress
    }

    fn fill(&mut self, stream: &mut StreamState, log: &mut LogFile) -> io::Result<Progress> {
        let mut budget = if stream.limits.timestamps { STAMPED_TURN_BYTES } else { TURN_BYTES };
        while budget > 0 {
            if log.is_due(&stream.limits)? {
                match self.peek(stream, 1)? {
                    Peek::Data(_) => self.rotate(stream, log)?,
                    Peek::Empty => return Ok(Progress::Drained),
                    Peek::Eof => return Ok(Progress::Closed),
                }
            }
            let step = match stream.limits.timestamps {
                true => self.stamped_step(stream, log),
                false => self.plain_step(stream, log, budget),
            };
            match step? {
                Progress::Moved(bytes) => budget = budget.saturating_sub(bytes),
                ended => return Ok(ended),
            }
        }
        Ok(Progress::Moved(TURN_BYTES))
    }

    fn rotate(&mut self, stream: &StreamState, log: &mut LogFile) -> io::Result<()> {
        log.rotate(&stream.limits, &mut self.stamps)?;
        log.mark(&mut self.stamps, true);
        Ok(())
    }

    /// Moves up to `budget` bytes, to the end of the line that fills the file at most.
    fn plain_step(
        &mut self,
        stream: &mut StreamState,
        log: &mut LogFile,
        budget: usize,
    ) -> io::Result<Progress> {
        let room = usize::try_from(log.room(&stream.limits)).unwrap_or(usize::MAX);
        let wanted = match room {
            0 => match self.peek(stream, PEEK_BYTES)? {
                Peek::Data(bytes) => first_line(bytes).min(slack(log, stream)),
                Peek::Empty => return Ok(Progress::Drained),
                Peek::Eof => return Ok(Progress::Closed),
            },
            room => room.min(budget),
        };
        let progress = self.move_bytes(stream, log, wanted)?;
        if let Progress::Moved(bytes) = progress {
            if stream.turned_busy(bytes >= BUSY_BYTES) {
                fifo::enlarge(&stream.fifo, BUSY_FIFO_BYTES);
            }
            if bytes < wanted && stream.end_is_reported {
                // Most likely; we are told if not.
                return Ok(Progress::Drained);
            }
        }
        Ok(progress)
    }

    /// Moves what one look shows, line by line, each begun with the time.
    fn stamped_step(&mut self, stream: &mut StreamState, log: &mut LogFile) -> io::Result<Progress> {
        let lines: Vec<(usize, bool)> = match self.peek(stream, PEEK_BYTES)? {
            Peek::Data(bytes) => lines(bytes).collect(),
            Peek::Empty => return Ok(Progress::Drained),
            Peek::Eof => return Ok(Progress::Closed),
        };
        let prefix = stamp(crate::clock::wall());
        let mut moved = 0;
        for (length, complete) in lines {
            if log.is_due(&stream.limits)? {
                self.rotate(stream, log)?;
            }
            if log.at_line_start()? {
                log.begin_line(&prefix)?;
                crate::crash_point!("stamp::before_line");
            }
            moved += length;
            self.move_exactly(stream, log, length)?;
            log.moved_line(complete);
        }
        Ok(Progress::Moved(moved))
    }

    /// Moves `length` bytes that are known to be there.
    fn move_exactly(&mut self, stream: &mut StreamState, log: &mut LogFile, length: usize) -> io::Result<()> {
        let mut left = length;
        while left > 0 {
            match self.move_bytes(stream, log, left)? {
                Progress::Moved(bytes) => left = left.saturating_sub(bytes),
                // Somebody else read them: a program may read its own standard output.
                Progress::Drained | Progress::Closed => return Ok(()),
            }
        }
        Ok(())
    }

    fn move_bytes(
        &mut self,
        stream: &mut StreamState,
        log: &mut LogFile,
        length: usize,
    ) -> io::Result<Progress> {
        if stream.stages {
            return self.write_staged(stream, log, length);
        }
        match log.splice(&stream.fifo, length) {
            Ok(0) => Ok(Progress::Closed),
            Ok(bytes) => Ok(Progress::Moved(bytes)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Progress::Drained),
            Err(error) if error.kind() == ErrorKind::InvalidInput => {
                tracing::warn!("the file system of {} has no splice; copying", stream.folder.display());
                stream.stages = true;
                self.write_staged(stream, log, length)
            }
            Err(error) => Err(error),
        }
    }

    fn write_staged(
        &mut self,
        stream: &mut StreamState,
        log: &mut LogFile,
        length: usize,
    ) -> io::Result<Progress> {
        match self.peek(stream, length)? {
            Peek::Data(_) => {
                // While they were taken somebody may have cut the file off, and behind its old end would be a hole. If another file has
                // its name by now, the next turn finds out.
                let _is_current = log.is_current();
                stream.stage()?.write_to(log, length).map(Progress::Moved)
            }
            Peek::Empty => Ok(Progress::Drained),
            Peek::Eof => Ok(Progress::Closed),
        }
    }

    /// The next bytes of `stream`, at most `limit`, without consuming them.
    fn peek<'a>(&'a mut self, stream: &'a mut StreamState, limit: usize) -> io::Result<Peek<'a>> {
        if !stream.stages {
            return self.scratch.peek(&stream.fifo, limit);
        }
        stream.stage()?;
        match &mut stream.staging {
            Some(staging) => staging.peek(&stream.fifo, limit),
            None => Ok(Peek::Empty),
        }
    }

    /// Drops output, unless it is time to try and the log file can be written again.
    fn drop_or_resume(&mut self, stream: &mut StreamState, now: Instant) -> Progress {
        if stream.retry_at().is_some_and(|at| now >= at) && self.resume(stream, now) {
            return Progress::Moved(0);
        }
        let progress = drop_bytes(stream);
        if progress == Progress::Closed {
            self.resume(stream, now);
        }
        progress
    }

    /// Writes the notice of what was dropped; whether that succeeded and copying goes on.
    fn resume(&mut self, stream: &mut StreamState, now: Instant) -> bool {
        if !self.drop_to_line_start(stream) {
            return false;
        }
        match self.write_notice(stream) {
            Ok(()) => {
                stream.fault = Fault::None;
                true
            }
            Err(error) => {
                self.files.close(stream.token);
                if let Fault::Dropping(dropped) = &mut stream.fault {
                    dropped.still(error, now);
                }
                false
            }
        }
    }

    /// So that no half line follows the notice. False when the line's end isn't there yet.
    fn drop_to_line_start(&mut self, stream: &mut StreamState) -> bool {
        while matches!(&stream.fault, Fault::Dropping(dropped) if dropped.mid_line) {
            let Ok(Peek::Data(bytes)) = self.peek(stream, PEEK_BYTES) else {
                // The end of the stream ends the line, too.
                return matches!(self.peek(stream, 1), Ok(Peek::Eof));
            };
            let (ended, length) = (bytes.contains(&b'\n'), first_line(bytes));
            let Ok(rest) = stream.consume(length) else { return false };
            stream.dropped(&rest, !ended);
        }
        true
    }

    fn write_notice(&mut self, stream: &mut StreamState) -> io::Result<()> {
        let Fault::Dropping(dropped) = &stream.fault else { return Ok(()) };
        if dropped.bytes == 0 {
            return Ok(());
        }
        let mut notice = Vec::new();
        let mut log = self.files.take(stream.token).map_or_else(|| self.files.open(stream), Ok)?;
        if !log.at_line_start()? {
            notice.push(b'\n');
        }
        if stream.limits.timestamps {
            notice.extend(stamp(crate::clock::wall()));
        }
        notice.extend(dropped.notice().into_bytes());
        log.append(&notice)?;
        self.files.put(stream.token, log);
        Ok(())
    }
}

/// How much of an unfinished line still fits; at least one byte, so that every step moves something.
fn slack(log: &LogFile, stream: &StreamState) -> usize {
    usize::try_from(log.slack(&stream.limits)).unwrap_or(usize::MAX).max(1)
}

fn drop_bytes(stream: &mut StreamState) -> Progress {
    match stream.consume(PEEK_BYTES) {
        Ok(bytes) if bytes.is_empty() => Progress::Closed,
        Ok(bytes) => {
            stream.dropped(&bytes, bytes.last() != Some(&b'\n'));
            Progress::Moved(bytes.len())
        }
        Err(_) => Progress::Drained,
    }
}
