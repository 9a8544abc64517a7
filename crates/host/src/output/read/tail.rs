//! The last lines of a stream, from the end of files that may be big.

use super::chain::{Chain, Link};
use crate::files::FileError;
use crate::output::error::failed;
use crate::output::names::Stream;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// How much is read at a time, in bytes.
const BLOCK: u64 = 64 << 10;

/// A line counts for this many bytes on average at most, so that the end of an endless line is not
/// the whole of it.
const BYTES_PER_LINE: u64 = 64 << 10;

/// The last `lines` lines of a stream of the run in `folder`, across its rotated files, as bytes. The
/// last one may lack its line end. At most 64 KiB per line asked for; empty when there is no file.
///
/// # Errors
/// When a file cannot be read.
pub fn tail(folder: &Path, stream: Stream, lines: usize) -> Result<Vec<u8>, FileError> {
    let chain = Chain { folder: folder.into(), stream };
    let mut text = Vec::new();
    for Start { mut link, offset } in starts(&chain, lines)? {
        let mut read = || {
            link.file.seek(SeekFrom::Start(offset))?;
            link.file.read_to_end(&mut text)
        };
        read().map_err(failed("read", folder))?;
    }
    Ok(text)
}

/// Where the last lines are in a file.
pub(super) struct Start {
    pub(super) link: Link,
    pub(super) offset: u64,
}

/// The files that hold the last `lines` lines, oldest first.
pub(super) fn starts(chain: &Chain, lines: usize) -> Result<Vec<Start>, FileError> {
    let mut search = Search {
        lines,
        budget: BYTES_PER_LINE.saturating_mul(u64::try_from(lines).unwrap_or(u64::MAX)),
        at_end: true,
    };
    let mut starts: Vec<Start> = Vec::new();
    let mut next = chain.newest()?;
    while let Some(link) = next {
        let offset = search.backwards(&link).map_err(failed("read", &chain.folder))?;
        let older = if search.is_over() { None } else { chain.before(&link)? };
        starts.push(Start { link, offset });
        next = older;
    }
    starts.reverse();
    Ok(starts)
}

/// Counts lines backwards through several files.
struct Search {
    /// Lines still to find.
    lines: usize,
    /// Bytes that may still be passed.
    budget: u64,
    /// Nothing was passed yet, so the line end here is that of the last line.
    at_end: bool,
}

impl Search {
    fn is_over(&self) -> bool {
        self.lines == 0 || self.budget == 0
    }

    /// Where the lines that are sought begin in this file, or 0.
    fn backwards(&mut self, link: &Link) -> io::Result<u64> {
        let mut start = link.size()?;
        let mut block = vec![0; BLOCK as usize];
        while start > 0 && !self.is_over() {
            let length = start.min(BLOCK).min(self.budget);
            let bytes = block.get_mut(..length as usize).unwrap_or_default();
            link.file.read_exact_at(bytes, start - length)?;
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
        for (at, _) in bytes.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
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
