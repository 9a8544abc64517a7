//! Reading when bytes were read from the program (`output/times.rs`).

use crate::output::times::{MARK, Mark, Stamp};
use crate::sys::positioned::FileExt;
use std::fs::File;
use std::io;

/// How many marks are read at a time.
const BLOCK: usize = 256;

/// The marks of one log file, in the order of their offsets.
#[derive(Debug)]
pub(super) struct Marks {
    file: File,
    /// The number of the next one.
    next: u64,
}

impl Marks {
    /// From the one on that says when the byte at `offset` was read.
    pub(super) fn at(file: File, offset: u64) -> io::Result<Self> {
        let after = first(&file, |mark| mark.offset > offset)?;
        Ok(Self { file, next: after.saturating_sub(1) })
    }

    /// Gives `take` those before `end` that it has not had. Those from there on may still change.
    pub(super) fn up_to(&mut self, end: u64, mut take: impl FnMut(Mark)) -> io::Result<()> {
        let mut block = [0; BLOCK * MARK as usize];
        loop {
            let read = self.file.read_at(&mut block, crate::output::times::HEADER + self.next * MARK)?;
            let (marks, _torn) = block.get(..read).unwrap_or_default().as_chunks();
            for bytes in marks {
                let mark = Mark::of(bytes);
                if mark.offset >= end {
                    return Ok(());
                }
                self.next += 1;
                take(mark);
            }
            if marks.len() < BLOCK {
                return Ok(());
            }
        }
    }
}

/// Where in a log file the bytes begin that were read at `micros` or later; `None` when all are older.
pub(super) fn since(times: &File, micros: u64) -> io::Result<Option<u64>> {
    let nth = first(times, |mark: Mark| mark.stamp.micros() >= micros)?;
    Ok(Mark::read(times, nth)?.map(|mark| mark.offset))
}

/// The stamp of the last mark.
pub(super) fn last(times: &File) -> io::Result<Option<(u64, Stamp)>> {
    Ok(Mark::last(times)?.map(|mark| (mark.offset, mark.stamp)))
}

/// The number of the first mark for which `is_it`, which holds from some mark on.
fn first(file: &File, is_it: impl Fn(Mark) -> bool) -> io::Result<u64> {
    let (mut low, mut high) = (0, Mark::count(file)?);
    while low < high {
        let middle = low + (high - low) / 2;
        match Mark::read(file, middle)? {
            Some(mark) if !is_it(mark) => low = middle + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}
