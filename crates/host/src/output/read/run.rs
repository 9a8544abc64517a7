//! Following one process through its runs.

use super::chain::Chain;
use super::follow::Chunk;
use super::stream::StreamReader;
use super::watch::{Change, Watches};
use crate::files::FileError;
use crate::layout::Layout;
use crate::output::names::{RunFolder, Stream, runs};
use process_monitor_core::id::ProcessId;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

/// How many earlier runs are still read from: their grandchildren may print after their end.
const LINGERING: usize = 3;

struct RunReader {
    folder: RunFolder,
    streams: [(Stream, StreamReader); 2],
}

/// The runs of one process, of which all but the last are over.
pub(super) struct ProcessReader {
    layout: Layout,
    process: ProcessId,
    parent: PathBuf,
    runs: Vec<RunReader>,
    seen: BTreeSet<String>,
    /// The list of runs may have changed.
    stale: bool,
}

impl ProcessReader {
    /// From the last `lines` lines of either stream of the newest run.
    pub(super) fn new(layout: Layout, process: ProcessId, lines: usize) -> Result<Self, FileError> {
        let parent = layout.process_logs(&process);
        let found = runs(&layout, &process)?;
        let seen = found.iter().map(|run| run.name.clone()).collect();
        let newest = found.into_iter().last();
        let runs = newest.map(|run| RunReader::new(run, Some(lines))).transpose()?.into_iter().collect();
        Ok(Self { layout, process, parent, runs, seen, stale: true })
    }

    /// Whether it reads what `process` prints.
    pub(super) fn is_of(&self, process: &ProcessId) -> bool {
        self.process == *process
    }

    /// Something changed in its folders.
    pub(super) fn touch(&mut self, change: Change) {
        self.stale |= change == Change::Entries;
    }

    /// When to look although nothing happens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let readers = self.runs.iter().flat_map(|run| &run.streams);
        readers.filter_map(|(_, reader)| reader.deadline()).min()
    }

    /// The next output; earlier runs first. Watches what it reads, as `key`.
    pub(super) fn next(&mut self, watches: &mut Watches, key: usize) -> Result<Option<Chunk>, FileError> {
        if std::mem::take(&mut self.stale) {
            self.refresh(watches, key)?;
        }
        let now = Instant::now();
        let last = self.runs.len().saturating_sub(1);
        for (at, run) in self.runs.iter_mut().enumerate() {
            for (stream, reader) in &mut run.streams {
                if let Some(bytes) = reader.next(at < last, now)? {
                    let (process, run) = (self.process.clone(), run.folder.name.clone());
                    return Ok(Some(Chunk { process, run, stream: *stream, bytes }));
                }
            }
        }
        let surplus = self.runs.len().saturating_sub(LINGERING + 1);
        self.runs.drain(..surplus);
        Ok(None)
    }

    /// Watches before it looks, so that nothing comes unnoticed in between. Watching again what is
    /// watched changes nothing; a folder that took the place of another is a new one.
    fn refresh(&mut self, watches: &mut Watches, key: usize) -> Result<(), FileError> {
        watches.add_path(&self.parent, self.layout.directory(), key)?;
        let found = runs(&self.layout, &self.process)?;
        self.seen.retain(|name| found.iter().any(|run| run.name == *name));
        for run in found {
            if self.seen.insert(run.name.clone()) {
                self.runs.push(RunReader::new(run, None)?);
            }
        }
        self.runs.iter().try_for_each(|run| watches.add_content(&run.folder.path, key))
    }
}

impl RunReader {
    /// From its beginning, or its last lines.
    fn new(folder: RunFolder, lines: Option<usize>) -> Result<Self, FileError> {
        let reader = |stream| {
            let chain = Chain { folder: folder.path.as_path().into(), stream };
            match lines {
                Some(lines) => StreamReader::from_end(chain, lines),
                None => Ok(StreamReader::new(chain)),
            }
        };
        let streams = [(Stream::Stdout, reader(Stream::Stdout)?), (Stream::Stderr, reader(Stream::Stderr)?)];
        Ok(Self { folder, streams })
    }
}
