//! Reading one run: both streams, merged by the time at which they were read from the program.

use super::chain::Chain;
use super::selection::Selection;
use super::stream::{Piece, StreamReader};
use super::tail::{Start, start};
use crate::files::FileError;
use crate::output::names::{RunFolder, Stream};
use crate::output::times::Stamp;
use std::time::Instant;

/// A piece, and which stream it is of.
pub(super) type Printed = (Stream, Piece);

pub(super) struct RunReader {
    pub(super) folder: RunFolder,
    /// Those that are wanted, by their index.
    streams: [Option<StreamReader>; 2],
    /// How many lines are not to be given out: the streams were begun with as many lines as both together
    /// are to have.
    skip: usize,
}

impl RunReader {
    /// From these offsets on.
    pub(super) fn new(folder: RunFolder, selection: &Selection, from: [u64; 2]) -> Self {
        let reader = |stream: Stream| {
            let from = from.get(stream.index()).copied().unwrap_or(0);
            selection.wants(stream).then(|| StreamReader::new(chain(&folder, stream), from))
        };
        let streams = Stream::BOTH.map(reader);
        Self { folder, streams, skip: 0 }
    }

    /// From where the selection says; takes what is found off the `lines` that are still to be.
    pub(super) fn begin(
        folder: RunFolder,
        selection: &Selection,
        lines: &mut Option<usize>,
    ) -> Result<Self, FileError> {
        let mut starts = [Start::default(); 2];
        for (stream, place) in Stream::BOTH.into_iter().zip(&mut starts).filter(|(s, _)| selection.wants(*s))
        {
            *place = start(&chain(&folder, stream), *lines, selection.since)?;
        }
        let mut reader = Self::new(folder, selection, starts.map(|start| start.offset));
        if let Some(left) = lines {
            let found: usize = starts.iter().map(|start| start.lines).sum();
            let ordered = starts.iter().all(|start| start.timed || start.lines == 0);
            reader.skip = if ordered { found.saturating_sub(*left) } else { 0 };
            *left = left.saturating_sub(found);
        }
        Ok(reader)
    }

    /// Gives out no more than there is now.
    pub(super) fn end_here(&mut self) -> Result<(), FileError> {
        for stream in Stream::BOTH {
            let end = chain(&self.folder, stream).end()?;
            if let Some(reader) = self.reader(stream) {
                reader.end_at(end);
            }
        }
        Ok(())
    }

    /// Whether nothing was printed to the streams that are wanted.
    pub(super) fn is_blank(&mut self) -> Result<bool, FileError> {
        for stream in Stream::BOTH {
            if self.reader(stream).is_some() && chain(&self.folder, stream).end()? > 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How far the streams were read.
    pub(super) fn offsets(&self) -> [u64; 2] {
        self.streams.each_ref().map(|reader| reader.as_ref().map_or(0, StreamReader::position))
    }

    /// When to look although nothing happens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.streams.iter().flatten().filter_map(StreamReader::deadline).min()
    }

    /// Closes the files of streams that have nothing more now.
    pub(super) fn park(&mut self) {
        self.streams.iter_mut().flatten().for_each(StreamReader::park);
    }

    /// What was printed next; `over`: nothing more will come than is there.
    pub(super) fn next(&mut self, over: bool, now: Instant) -> Result<Option<Printed>, FileError> {
        loop {
            let Some(stream) = self.choose(over, now)? else { return Ok(None) };
            let Some(mut piece) = self.reader(stream).map(StreamReader::take) else { return Ok(None) };
            self.skip_lines(&mut piece.bytes);
            if !piece.bytes.is_empty() {
                return Ok(Some((stream, piece)));
            }
        }
    }

    /// Which stream's turn it is. A line that was begun is ended first, then the earlier comes first.
    fn choose(&mut self, over: bool, now: Instant) -> Result<Option<Stream>, FileError> {
        let mut out = self.is_ready(Stream::Stdout, over, now)?;
        let err = self.is_ready(Stream::Stderr, over, now)?;
        if err && !out {
            // What came since has an earlier time only if it was there before the other was read.
            out = self.is_ready(Stream::Stdout, over, now)?;
        }
        Ok(match (out, err) {
            (false, false) => None,
            (true, false) => Some(Stream::Stdout),
            (false, true) => Some(Stream::Stderr),
            (true, true) => Stream::BOTH.into_iter().min_by_key(|stream| self.turn(*stream)),
        })
    }

    fn is_ready(&mut self, stream: Stream, over: bool, now: Instant) -> Result<bool, FileError> {
        self.reader(stream).map_or(Ok(false), |reader| reader.is_ready(over, now))
    }

    /// The least goes first.
    fn turn(&mut self, stream: Stream) -> (bool, Option<Stamp>) {
        self.reader(stream).map_or((true, None), |reader| (!reader.is_mid_line(), reader.stamp()))
    }

    fn skip_lines(&mut self, bytes: &mut Vec<u8>) {
        if self.skip == 0 {
            return;
        }
        let mut begun = 0;
        for end in memchr::memchr_iter(b'\n', bytes).take(self.skip) {
            self.skip -= 1;
            begun = end + 1;
        }
        // The beginning of a line that is skipped, too.
        let all = self.skip > 0;
        bytes.drain(..if all { bytes.len() } else { begun });
    }

    fn reader(&mut self, stream: Stream) -> Option<&mut StreamReader> {
        self.streams.get_mut(stream.index())?.as_mut()
    }
}

fn chain(folder: &RunFolder, stream: Stream) -> Chain {
    Chain { folder: folder.path.as_path().into(), stream }
}
