//! Reading one stream of one run, by lines and with their times.

use super::chain::{Chain, Link};
use super::marks::Marks;
use crate::files::FileError;
use crate::output::error::failed;
use crate::output::times::Stamp;
use crate::sys::positioned::FileExt;
use process_monitor_core::framing::whole_lines;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The most that is given out at once, in bytes. A longer line comes in pieces.
pub(super) const CHUNK: usize = 64 << 10;

/// How long a line without its end is held back: a prompt is to be seen, a line that is being
/// written is not to be torn.
const HOLD: Duration = Duration::from_secs(2);

/// Whole lines that were read at the same time, or a piece of one.
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    /// When; `None` when that was not written down.
    pub(super) stamp: Option<Stamp>,
}

/// Where reading has got to. Offsets count from the beginning of the run, across files.
pub(super) struct StreamReader {
    chain: Chain,
    /// Where to begin while no file is open.
    from: u64,
    current: Option<Current>,
    /// Nothing is read from there on.
    until: Option<u64>,
    /// Read; what is before `given` is given out.
    buffer: Vec<u8>,
    given: usize,
    /// The last byte given out did not end its line.
    mid_line: bool,
    /// From which offset on what is in the buffer was read when.
    stamps: VecDeque<(u64, Stamp)>,
    /// There is a line without its end in the buffer, since then.
    since: Option<Instant>,
}

struct Current {
    link: Link,
    /// In this file.
    offset: u64,
    /// Offset of the file's first byte.
    base: u64,
    /// Whether `marks` was looked for: whoever writes a file begins with them.
    entered: bool,
    marks: Option<Marks>,
}

impl Current {
    fn new(link: Link, offset: u64, base: u64) -> Self {
        Self { link, offset, base, entered: false, marks: None }
    }
}

impl StreamReader {
    /// From the byte `from` on, or the first after it that is kept.
    pub(super) fn new(chain: Chain, from: u64) -> Self {
        Self {
            chain,
            from,
            current: None,
            until: None,
            buffer: Vec::new(),
            given: 0,
            mid_line: false,
            stamps: VecDeque::new(),
            since: None,
        }
    }

    /// Ends before the byte `until`.
    pub(super) fn end_at(&mut self, until: u64) {
        self.until = Some(until);
    }

    /// When the line that is held back is to be given out.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.since.map(|since| since + HOLD)
    }

    /// Whether it stands inside a line that was begun to be given out.
    pub(super) fn is_mid_line(&self) -> bool {
        self.mid_line
    }

    /// The offset of what comes next.
    pub(super) fn position(&self) -> u64 {
        self.read_to().saturating_sub(self.waiting().len() as u64)
    }

    /// The offset up to which it has read.
    fn read_to(&self) -> u64 {
        match &self.current {
            Some(current) => current.base.saturating_add(current.offset),
            None => self.from,
        }
    }

    /// Closes its files until more is asked for.
    pub(super) fn park(&mut self) {
        if self.waiting().is_empty() && self.current.as_ref().is_some_and(|current| current.marks.is_some()) {
            self.close();
        }
    }

    fn close(&mut self) {
        (self.from, self.current) = (self.read_to(), None);
    }

    /// Whether there is something to give out: whole lines; or one without its end when it is too long, was
    /// held back for too long, or `over` says that nothing more will come. Reads on if need be.
    pub(super) fn is_ready(&mut self, over: bool, now: Instant) -> Result<bool, FileError> {
        loop {
            if self.waiting().len() >= CHUNK || memchr::memchr(b'\n', self.waiting()).is_some() {
                return Ok(true);
            }
            if !self.fill()? {
                break;
            }
            self.since = Some(now);
        }
        Ok((over || self.deadline().is_some_and(|at| at <= now)) && !self.waiting().is_empty())
    }

    /// When that was read which comes next; to be asked when it [is ready](Self::is_ready).
    pub(super) fn stamp(&mut self) -> Option<Stamp> {
        let position = self.position();
        while self.stamps.get(1).is_some_and(|(from, _)| *from <= position) {
            self.stamps.pop_front();
        }
        self.stamps.front().filter(|(from, _)| *from <= position).map(|(_, stamp)| *stamp)
    }

    /// What [is ready](Self::is_ready): the whole lines that were read at the time of the first, else all of it.
    pub(super) fn take(&mut self) -> Piece {
        let stamp = self.stamp();
        let same_time = self.stamps.get(1).map_or(usize::MAX, |(next, _)| {
            usize::try_from(next.saturating_sub(self.position())).unwrap_or(usize::MAX)
        });
        let waiting = self.waiting();
        let end = whole_lines(waiting, same_time);
        let bytes = waiting.get(..end).filter(|lines| !lines.is_empty()).unwrap_or(waiting).to_vec();
        self.give(bytes.len());
        self.mid_line = bytes.last().is_some_and(|byte| *byte != b'\n');
        Piece { bytes, stamp }
    }

    fn give(&mut self, bytes: usize) {
        self.given += bytes;
        if self.waiting().is_empty() {
            (self.buffer, self.given, self.since) = (Vec::new(), 0, None);
        }
    }

    fn waiting(&self) -> &[u8] {
        self.buffer.get(self.given..).unwrap_or_default()
    }

    /// Reads on; false when there is nothing more now.
    fn fill(&mut self) -> Result<bool, FileError> {
        if self.until.is_some_and(|until| until <= self.read_to()) {
            self.close();
            return Ok(false);
        }
        if self.current.is_none() && !self.open()? {
            return Ok(false);
        }
        loop {
            if self.read()? {
                return Ok(true);
            }
            let Some(current) = &self.current else { return Ok(false) };
            let Some(next) = self.chain.after(&current.link)? else { return Ok(false) };
            // What came between the last read and the rotation. After it, nothing does.
            if self.read()? {
                return Ok(true);
            }
            self.current = Some(Current::new(next, 0, self.read_to()));
        }
    }

    fn open(&mut self) -> Result<bool, FileError> {
        let Some((base, link, offset)) = self.chain.locate(self.from)? else { return Ok(false) };
        self.current = Some(Current::new(link, offset, base));
        Ok(true)
    }

    fn read(&mut self) -> Result<bool, FileError> {
        let left = self.until.map_or(u64::MAX, |until| until.saturating_sub(self.read_to()));
        let Some(current) = &mut self.current else { return Ok(false) };
        self.buffer.drain(..std::mem::take(&mut self.given));
        let kept = self.buffer.len();
        let wanted = CHUNK.saturating_sub(kept).max(1).min(usize::try_from(left).unwrap_or(usize::MAX));
        self.buffer.resize(kept + wanted, 0);
        let read = current.link.file.read_at(self.buffer.get_mut(kept..).unwrap_or_default(), current.offset);
        self.buffer.truncate(kept + read.as_ref().map_or(0, |read| *read));
        let read = read.map_err(failed("read", &self.chain.folder))?;
        if read == 0 {
            return self.look_for_truncation();
        }
        self.enter()?;
        self.note_stamps(read)?;
        Ok(true)
    }

    /// Truncated by somebody else: what is in it is new.
    fn look_for_truncation(&mut self) -> Result<bool, FileError> {
        let Some(current) = &mut self.current else { return Ok(false) };
        let size = current.link.size().map_err(failed("look at", &self.chain.folder))?;
        if size >= current.offset {
            return Ok(false);
        }
        current.base = current.base.saturating_add(current.offset);
        (current.offset, current.entered, current.marks) = (0, false, None);
        self.read()
    }

    /// Finds out where the file begins in the stream, and when its bytes were read.
    fn enter(&mut self) -> Result<(), FileError> {
        let Some(current) = self.current.as_mut().filter(|current| !current.entered) else { return Ok(()) };
        current.entered = true;
        if let Some((times, header)) = self.chain.times_of(&current.link)? {
            current.base = header.base;
            let marks = Marks::at(times, current.offset).map_err(failed("read times in", &self.chain.folder));
            current.marks = Some(marks?);
        }
        Ok(())
    }

    /// Takes in the times of the last `read` bytes of the buffer.
    fn note_stamps(&mut self, read: usize) -> Result<(), FileError> {
        let Some(current) = &mut self.current else { return Ok(()) };
        current.offset += read as u64;
        let (base, end, stamps) = (current.base, current.offset, &mut self.stamps);
        let Some(marks) = &mut current.marks else { return Ok(()) };
        let note = |mark: crate::output::times::Mark| {
            let last = stamps.back().map_or(Stamp::ZERO, |(_, stamp)| *stamp);
            stamps.push_back((base.saturating_add(mark.offset), mark.stamp.max(last)));
        };
        marks.up_to(end, note).map_err(failed("read times in", &self.chain.folder))
    }
}
