//! Reading what one process printed, through its runs.

use super::cursor::Cursor;
use super::run::RunReader;
use super::selection::{Runs, Selection};
use super::watch::{Change, Watches};
use crate::files::FileError;
use crate::layout::Layout;
use crate::output::names::{RunFolder, Stream, compare_runs, runs};
use process_monitor_core::id::ProcessId;
use process_monitor_core::time::Wall;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

/// How many earlier runs are still read from: their grandchildren may print after their end.
const LINGERING: usize = 3;

/// A piece of output, of at most 64 KiB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Whose.
    pub process: ProcessId,
    /// The name of the run's folder.
    pub run: String,
    /// Which stream.
    pub stream: Stream,
    /// When it was read from the program; `None` when that was not written down.
    pub time: Option<Wall>,
    /// Whole lines. The last one lacks its end when it is longer than 64 KiB, has not been finished
    /// for 2 s, or is the last of its run.
    pub bytes: Vec<u8>,
    /// The place behind it.
    pub after: Cursor,
}

impl Chunk {
    /// Its lines, the last one possibly without its end, each with the place behind it.
    pub fn lines(&self) -> impl Iterator<Item = (&[u8], Cursor)> {
        let mut left = self.bytes.len();
        self.bytes.split_inclusive(|byte| *byte == b'\n').map(move |line| {
            left = left.saturating_sub(line.len());
            (line, self.after.before(&self.run, self.stream, left))
        })
    }
}

/// Reads what one process printed: run after run, and in each both streams in the order of time. Bounded in
/// memory whatever is in the files. Its calls read files, and wait for nothing.
pub struct OutputReader {
    layout: Layout,
    process: ProcessId,
    parent: PathBuf,
    selection: Selection,
    runs: Vec<RunReader>,
    seen: BTreeSet<String>,
    /// The list of runs may have changed.
    stale: bool,
}

impl OutputReader {
    /// A reader of what `selection` says. Neither process nor files need to be there.
    ///
    /// # Errors
    /// When what is there cannot be read.
    pub fn open(layout: &Layout, process: &ProcessId, selection: Selection) -> Result<Self, FileError> {
        let found = runs(layout, process)?;
        let seen = found.iter().map(|run| run.name.clone()).collect();
        let found = begun(found, &selection);
        let mut readers = match &selection.after {
            Some(cursor) => resume(found, &selection, cursor),
            None => begin(found, &selection)?,
        };
        if !selection.follow {
            readers.iter_mut().try_for_each(RunReader::end_here)?;
        }
        let (layout, process, parent) = (layout.clone(), process.clone(), layout.process_logs(process));
        let stale = selection.follow;
        Ok(Self { layout, process, parent, selection, runs: readers, seen, stale })
    }

    /// Whether it reads what `process` prints.
    pub(super) fn is_of(&self, process: &ProcessId) -> bool {
        self.process == *process
    }

    /// Something changed in its folders.
    pub(super) fn touch(&mut self, change: Change) {
        self.stale |= change == Change::Entries;
    }

    /// Whether [`refresh`](Self::refresh) is due.
    pub(super) fn is_stale(&self) -> bool {
        self.stale
    }

    /// When to look although nothing happens: to give out a line that does not end.
    pub fn deadline(&self) -> Option<Instant> {
        self.runs.iter().filter_map(RunReader::deadline).min()
    }

    /// Closes its files until there is more to read.
    pub fn park(&mut self) {
        self.runs.iter_mut().for_each(RunReader::park);
    }

    /// The place behind what was given out.
    pub fn cursor(&self) -> Cursor {
        let mut cursor = Cursor::default();
        self.runs.iter().for_each(|run| cursor.push(&run.folder.name, run.offsets()));
        cursor
    }

    /// The next output that is there; earlier runs first.
    ///
    /// # Errors
    /// When a file cannot be read; the next call tries again.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>, FileError> {
        let now = Instant::now();
        let last = self.runs.len().saturating_sub(1);
        for (at, run) in self.runs.iter_mut().enumerate() {
            let over = at < last || !self.selection.follow;
            let Some((stream, piece)) = run.next(over, now)? else { continue };
            let (run, process) = (run.folder.name.clone(), self.process.clone());
            let time = piece.stamp.map(crate::output::times::Stamp::wall);
            let after = self.cursor();
            return Ok(Some(Chunk { process, run, stream, time, bytes: piece.bytes, after }));
        }
        let surplus = self.runs.len().saturating_sub(LINGERING + 1);
        self.runs.drain(..surplus);
        Ok(None)
    }

    /// Takes in new runs. Watches, as `key`, before it looks, so that nothing comes unnoticed in between.
    /// Watching again what is watched changes nothing; a folder that took the place of another is a new one.
    pub(super) fn refresh(&mut self, watches: &mut Watches, key: usize) -> Result<(), FileError> {
        watches.add_path(&self.parent, self.layout.directory(), key)?;
        let found = runs(&self.layout, &self.process)?;
        self.seen.retain(|name| found.iter().any(|run| run.name == *name));
        for run in found {
            if self.seen.insert(run.name.clone()) && self.selection.runs.goes_on() {
                self.runs.push(RunReader::new(run, &self.selection, [0; 2]));
            }
        }
        self.runs.iter().try_for_each(|run| watches.add_content(&run.folder.path, key))?;
        self.stale = false;
        Ok(())
    }
}

impl Runs {
    /// Whether later runs are followed.
    fn goes_on(&self) -> bool {
        !matches!(self, Self::Named(_))
    }

    fn has(&self, run: &RunFolder) -> bool {
        match self {
            Self::Named(name) => run.name == *name,
            _ => true,
        }
    }
}

fn begun(mut found: Vec<RunFolder>, selection: &Selection) -> Vec<RunFolder> {
    if let Some(from) = selection.begun {
        found.retain(|run| run.began_since(from));
    }
    found
}

fn begin(found: Vec<RunFolder>, selection: &Selection) -> Result<Vec<RunReader>, FileError> {
    let mut lines = selection.tail;
    let mut readers = Vec::new();
    for run in found.into_iter().rev().filter(|run| selection.runs.has(run)) {
        let mut reader = RunReader::begin(run, selection, &mut lines)?;
        let is_blank = reader.is_blank()?;
        readers.push(reader);
        let enough = match selection.runs {
            Runs::Printed => !is_blank,
            Runs::Newest | Runs::Named(_) => true,
            Runs::All => lines == Some(0),
        };
        if enough {
            break;
        }
    }
    readers.reverse();
    Ok(readers)
}

/// What was in the middle of being read, and what is later.
fn resume(found: Vec<RunFolder>, selection: &Selection, cursor: &Cursor) -> Vec<RunReader> {
    let last = cursor.runs().last();
    let is_later =
        |run: &RunFolder| last.is_none_or(|last| compare_runs(&run.name, last) == Ordering::Greater);
    let wanted = found.into_iter().filter(|run| selection.runs.has(run));
    wanted
        .filter_map(|run| match cursor.of(&run.name) {
            Some(offsets) => Some(RunReader::new(run, selection, offsets)),
            None if is_later(&run) => Some(RunReader::new(run, selection, [0; 2])),
            None => None,
        })
        .collect()
}
