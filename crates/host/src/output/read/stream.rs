//! Following one stream of one run.

use super::chain::{Chain, Link};
use super::tail::{Start, starts};
use crate::files::FileError;
use crate::output::error::failed;
use std::collections::VecDeque;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

/// The most that is given out at once, in bytes. A longer line comes in pieces.
pub(super) const CHUNK: usize = 64 << 10;

/// How long a line without its end is held back: a prompt is to be seen, a line that is being
/// written is not to be torn.
const HOLD: Duration = Duration::from_secs(2);

/// Where reading has got to.
pub(super) struct StreamReader {
    chain: Chain,
    current: Option<(Link, u64)>,
    /// Files that follow the current one, as far as they are known.
    known: VecDeque<Start>,
    /// Read and not given out: a line without its end, since when.
    partial: Vec<u8>,
    since: Option<Instant>,
}

impl StreamReader {
    /// From the beginning.
    pub(super) fn new(chain: Chain) -> Self {
        Self { chain, current: None, known: VecDeque::new(), partial: Vec::new(), since: None }
    }

    /// From the last `lines` lines.
    pub(super) fn from_end(chain: Chain, lines: usize) -> Result<Self, FileError> {
        let mut known = VecDeque::from(starts(&chain, lines)?);
        let current = known.pop_front().map(|start| (start.link, start.offset));
        Ok(Self { chain, current, known, partial: Vec::new(), since: None })
    }

    /// When the line that is held back is to be given out.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.since.map(|since| since + HOLD)
    }

    /// The next whole lines. A line without its end only when it is too long, held back for too
    /// long, or `over` says that nothing more will come.
    pub(super) fn next(&mut self, over: bool, now: Instant) -> Result<Option<Vec<u8>>, FileError> {
        while self.fill()? {
            self.since = Some(now);
            if let Some(end) = self.partial.iter().rposition(|byte| *byte == b'\n') {
                let rest = self.partial.split_off(end + 1);
                self.since = (!rest.is_empty()).then_some(now);
                return Ok(Some(std::mem::replace(&mut self.partial, rest)));
            }
            if self.partial.len() >= CHUNK {
                return Ok(self.take_partial());
            }
        }
        let due = over || self.deadline().is_some_and(|at| at <= now);
        Ok(if due { self.take_partial() } else { None })
    }

    fn take_partial(&mut self) -> Option<Vec<u8>> {
        self.since = None;
        Some(std::mem::take(&mut self.partial)).filter(|bytes| !bytes.is_empty())
    }

    /// Reads on; false when there is nothing more now.
    fn fill(&mut self) -> Result<bool, FileError> {
        if self.current.is_none() {
            self.current = self.chain.oldest()?.map(|link| (link, 0));
        }
        loop {
            if self.read()? {
                return Ok(true);
            }
            let Some((link, _)) = &self.current else { return Ok(false) };
            let next = match self.known.pop_front() {
                Some(start) => (start.link, start.offset),
                None => match self.chain.after(link)? {
                    Some(next) => (next, 0),
                    None => return Ok(false),
                },
            };
            // What came between the last read and the rotation. After it, nothing does.
            if self.read()? {
                self.known.push_front(Start { link: next.0, offset: next.1 });
                return Ok(true);
            }
            self.current = Some(next);
        }
    }

    fn read(&mut self) -> Result<bool, FileError> {
        let Some((link, offset)) = &mut self.current else { return Ok(false) };
        let kept = self.partial.len();
        self.partial.resize(kept.max(CHUNK - 1) + 1, 0);
        let space = self.partial.get_mut(kept..).unwrap_or_default();
        let read = link.file.read_at(space, *offset);
        self.partial.truncate(kept + read.as_ref().map_or(0, |read| *read));
        let read = read.map_err(failed("read", &self.chain.folder))?;
        if read == 0 {
            // Truncated by somebody else: what is in it is new.
            let size = link.size().map_err(failed("look at", &self.chain.folder))?;
            if size < *offset {
                *offset = 0;
                return self.read();
            }
        }
        *offset += read as u64;
        Ok(read > 0)
    }
}
