//! Where the last lines of a stream begin, found from the end of files that may be big.

use super::chain::{Chain, Link};
use super::since::since;
use crate::files::FileError;
use crate::output::error::failed;
use crate::sys::positioned::FileExt;
use process_monitor_core::time::Wall;
use std::io;

/// How much is read at a time, in bytes.
const BLOCK: u64 = 64 << 10;

/// A line counts for this many bytes on average at most, so that the end of an endless line is not
/// the whole of it.
const BYTES_PER_LINE: u64 = 64 << 10;

/// Where reading is to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Start {
    /// The offset in the stream; 0 is also the oldest byte that is kept.
    pub(super) offset: u64,
    /// How many lines there are from there on; 0 when all of them were wanted.
    pub(super) lines: usize,
    /// Whether it is known when they were printed.
    pub(super) timed: bool,
}

/// Where the last `lines` lines begin (`None`: all), of those that were printed at `from` or later.
pub(super) fn start(chain: &Chain, lines: Option<usize>, from: Option<Wall>) -> Result<Start, FileError> {
    let floor = match from {
        Some(from) => since(chain, from)?,
        None => None,
    };
    match (lines, floor) {
        (None, None) => Ok(Start::default()),
        (None, Some((link, offset))) => {
            let offset = chain.base_of(&link)?.saturating_add(offset);
            Ok(Start { offset, lines: 0, timed: true })
        }
        (Some(lines), floor) => search(chain, lines, floor),
    }
}

fn search(chain: &Chain, lines: usize, floor: Option<(Link, u64)>) -> Result<Start, FileError> {
    let budget = BYTES_PER_LINE.saturating_mul(u64::try_from(lines).unwrap_or(u64::MAX));
    let mut search = Search { lines, budget, at_end: true, passed: false };
    let Some(mut link) = chain.newest()? else { return Ok(Start::default()) };
    loop {
        let floor = floor.as_ref().filter(|(at, _)| at.is(&link)).map(|(_, offset)| *offset);
        let offset = search.backwards(&link, floor.unwrap_or(0)).map_err(failed("read", &chain.folder))?;
        let older = if search.is_over() || floor.is_some() { None } else { chain.before(&link)? };
        let Some(older) = older else {
            let timed = chain.times_of(&link)?.is_some();
            let offset = chain.base_of(&link)?.saturating_add(offset);
            return Ok(Start { offset, lines: search.found(lines), timed });
        };
        link = older;
    }
}

/// Counts lines backwards through several files.
struct Search {
    /// Lines still to find.
    lines: usize,
    /// Bytes that may still be passed.
    budget: u64,
    /// Nothing was passed yet, so the line end here is that of the last line.
    at_end: bool,
    /// Something was passed that belongs to a line whose beginning was not.
    passed: bool,
}

impl Search {
    fn is_over(&self) -> bool {
        self.lines == 0 || self.budget == 0
    }

    /// How many of the `wanted` lines were found, one whose beginning is missing included.
    fn found(&self, wanted: usize) -> usize {
        wanted - self.lines + usize::from(self.lines > 0 && self.passed)
    }

    /// Where the lines that are sought begin in this file, or `floor`.
    fn backwards(&mut self, link: &Link, floor: u64) -> io::Result<u64> {
        let mut start = link.size()?;
        let mut block = vec![0; BLOCK as usize];
        while start > floor && !self.is_over() {
            let length = (start - floor).min(BLOCK).min(self.budget);
            let bytes = block.get_mut(..length as usize).unwrap_or_default();
            link.file.read_exact_at(bytes, start - length)?;
            self.passed = true;
            if let Some(found) = self.in_block(bytes) {
                return Ok(start - length + found);
            }
            start -= length;
            self.budget -= length;
        }
        Ok(start)
    }

    /// Where in `bytes` the first of the lines begins, if it does.
    fn in_block(&mut self, bytes: &[u8]) -> Option<u64> {
        for at in memchr::memrchr_iter(b'\n', bytes) {
            if std::mem::take(&mut self.at_end) && at + 1 == bytes.len() {
                continue;
            }
            self.lines -= 1;
            if self.lines == 0 {
                return Some(at as u64 + 1);
            }
        }
        self.at_end = false;
        None
    }
}
