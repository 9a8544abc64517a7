//! Writing down when bytes were read (`output/times.rs`). A failure here is no reason to stop copying.

use super::super::names::Stream;
use super::super::times::{HEADER, Header, MARK, Mark, Stamp, find};
use crate::files::Stamp as FileStamp;
use crate::sys::files as sys;
use crate::sys::positioned::FileExt;
use std::fs::File;
use std::io;
use std::path::Path;

/// A stream that alone is read gets a mark at most this often, in microseconds.
const BETWEEN_MARKS: u64 = 2_000;

/// The size of a file of times may be that of half its log file, and this much more, in bytes.
const ALLOWANCE: u64 = 64 << 10;

/// The stamps of all streams of a logger: each greater than the one before, so that they say in
/// which order streams were read even while the clock is set back.
pub(super) struct Stamps {
    last: Stamp,
}

impl Stamps {
    pub(super) fn new() -> Self {
        Self { last: Stamp::ZERO }
    }

    /// The stamp of what is read now.
    pub(super) fn now(&mut self) -> Stamp {
        self.last = Stamp::after(self.last, crate::clock::wall_micros());
        self.last
    }
}

/// The file of times of an open log file.
pub(super) struct Times {
    /// `None`: there is none, because the system refused.
    file: Option<File>,
    base: u64,
    marks: u64,
    last: Option<Mark>,
}

impl Times {
    /// The times of the log file with this inode and size, which is the newest of its stream. One that is not
    /// there, or not this log file's, is begun.
    pub(super) fn open(folder: &Path, stream: Stream, inode: u64, size: u64) -> Self {
        Self::try_open(folder, stream, inode, size).unwrap_or_else(|error| {
            let path = stream.times(folder, 0);
            tracing::debug!("no times of {} output are kept in {}: {error}", stream.name(), path.display());
            Self { file: None, base: base_of(folder, stream), marks: 0, last: None }
        })
    }

    fn try_open(folder: &Path, stream: Stream, inode: u64, size: u64) -> io::Result<Self> {
        let path = stream.times(folder, 0);
        if is_ahead(folder, stream, inode) {
            sys::rename(stream.times(folder, 1), &path)?;
        }
        let file = sys::open_log(&path)?;
        let left_behind = match Header::read(&file)? {
            Some(header) if header.inode == inode => return Self::resume(file, header, size),
            other => other,
        };
        let mut base = base_of(folder, stream);
        if let Some(header) = left_behind {
            let end = Mark::last(&file)?.map_or(0, |mark| mark.offset);
            base = base.max(header.base.saturating_add(end));
        }
        Self::begin(file, inode, base)
    }

    fn begin(file: File, inode: u64, base: u64) -> io::Result<Self> {
        file.set_len(0)?;
        file.write_all_at(&Header { inode, base }.bytes(), 0)?;
        Ok(Self { file: Some(file), base, marks: 0, last: None })
    }

    fn resume(file: File, header: Header, size: u64) -> io::Result<Self> {
        let (marks, last) = (Mark::count(&file)?, Mark::last(&file)?);
        match last.filter(|last| last.offset > size) {
            Some(last) => Self::begin(file, header.inode, header.base.saturating_add(last.offset)),
            None => Ok(Self { file: Some(file), base: header.base, marks, last }),
        }
    }

    /// Somebody else made the log file shorter: what comes is new.
    pub(super) fn truncated(&mut self, inode: u64, old_size: u64) {
        self.base = self.base.saturating_add(old_size);
        self.file = self.file.take().and_then(|file| Self::begin(file, inode, self.base).ok()?.file);
        (self.marks, self.last) = (0, None);
    }

    /// What comes to the log file from `offset` on was read at `stamp`. `turned`: the run's other stream was read
    /// in between, so the order matters.
    pub(super) fn mark(&mut self, offset: u64, stamp: Stamp, turned: bool) {
        if self.is_due(offset, stamp, turned) {
            self.write(offset, stamp);
        }
    }

    /// The log file has its final size, from which the next one's beginning can be told.
    pub(super) fn finish(&mut self, size: u64, stamp: Stamp) {
        self.write(size, stamp);
    }

    fn is_due(&self, offset: u64, stamp: Stamp, turned: bool) -> bool {
        let Some(last) = self.last else { return true };
        let bytes = self.marks.saturating_mul(MARK);
        let is_small = bytes < ALLOWANCE.saturating_add(offset / 2);
        let is_late = stamp.micros().abs_diff(last.stamp.micros()) >= BETWEEN_MARKS;
        is_small && (turned || is_late)
    }

    /// Marks that are not followed by bytes are written over.
    fn write(&mut self, offset: u64, stamp: Stamp) {
        let Some(file) = &self.file else { return };
        let stamp = match self.last {
            Some(last) => Stamp::after(last.stamp, stamp.micros()).max(stamp),
            None => stamp,
        };
        let mark = Mark { offset, stamp };
        let again = self.last.is_some_and(|last| last.offset == offset);
        let nth = self.marks - u64::from(again && self.marks > 0);
        match file.write_all_at(&mark.bytes(), HEADER + nth * MARK) {
            Ok(()) => (self.marks, self.last) = (nth + 1, Some(mark)),
            Err(error) => {
                tracing::debug!("no more times of this output are kept: {error}");
                self.file = None;
            }
        }
    }
}

/// Whether the logger before us renamed the times of the log file with this inode, but not the log file.
fn is_ahead(folder: &Path, stream: Stream, inode: u64) -> bool {
    let header = File::open(stream.times(folder, 1)).and_then(|file| Header::read(&file));
    header.is_ok_and(|header| header.is_some_and(|header| header.inode == inode))
}

/// How many bytes of the stream came before its newest log file.
fn base_of(folder: &Path, stream: Stream) -> u64 {
    let mut sum: u64 = 0;
    for index in 1.. {
        let Ok(found) = FileStamp::behind(&stream.file(folder, index)) else { break };
        sum = sum.saturating_add(found.bytes);
        if let Some((_, header)) = find(folder, stream, index, found.id.number) {
            return sum.saturating_add(header.base);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn marks(folder: &Path, index: u32) -> Vec<u64> {
        let file = File::open(Stream::Stdout.times(folder, index)).unwrap();
        (0..Mark::count(&file).unwrap()).map(|nth| Mark::read(&file, nth).unwrap().unwrap().offset).collect()
    }

    fn inode(folder: &Path, index: u32) -> u64 {
        FileStamp::behind(&Stream::Stdout.file(folder, index)).unwrap().id.number
    }

    fn stamp(micros: u64) -> Stamp {
        Stamp::after(Stamp::ZERO, micros)
    }

    #[test]
    fn marks_are_rare_unless_the_other_stream_comes_between() {
        let folder = tempfile::tempdir().unwrap();
        let mut times = Times::open(folder.path(), Stream::Stdout, 1, 0);
        let table = [(0, 10_000, false), (5, 10_500, false), (8, 10_900, true), (9, 13_000, false)];
        for (offset, micros, turned) in table {
            times.mark(offset, stamp(micros), turned);
        }
        assert_eq!(marks(folder.path(), 0), [0, 8, 9]);
        // Nothing came after the last one.
        times.mark(9, stamp(99_000), false);
        assert_eq!(marks(folder.path(), 0), [0, 8, 9]);
    }

    #[test]
    fn they_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let mut times = Times::open(folder.path(), Stream::Stdout, 1, 0);
        (0..10_000).for_each(|n| times.mark(n, stamp(n * 10_000), true));
        let size = fs::metadata(Stream::Stdout.times(folder.path(), 0)).unwrap().len();
        assert!((ALLOWANCE..ALLOWANCE + 10_000).contains(&size), "{size}");
    }

    #[test]
    fn the_next_logger_goes_on_and_knows_where_the_file_begins() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        fs::write(Stream::Stdout.file(folder, 0), [b'x'; 100]).unwrap();
        Times::open(folder, Stream::Stdout, inode(folder, 0), 100).mark(40, stamp(5), false);
        let mut times = Times::open(folder, Stream::Stdout, inode(folder, 0), 100);
        assert_eq!(times.base, 0);
        times.mark(100, stamp(1_000_000), false);
        assert_eq!(marks(folder, 0), [40, 100]);
        // Killed after it had renamed the times, before it renamed the log file.
        fs::rename(Stream::Stdout.times(folder, 0), Stream::Stdout.times(folder, 1)).unwrap();
        let times = Times::open(folder, Stream::Stdout, inode(folder, 0), 100);
        assert_eq!((times.base, marks(folder, 0)), (0, vec![40, 100]));
        for name in [Stream::file, Stream::times] {
            fs::rename(name(Stream::Stdout, folder, 0), name(Stream::Stdout, folder, 1)).unwrap();
        }
        fs::write(Stream::Stdout.file(folder, 0), "").unwrap();
        let mut times = Times::open(folder, Stream::Stdout, inode(folder, 0), 0);
        assert_eq!((times.base, marks(folder, 1), marks(folder, 0)), (100, vec![40, 100], vec![]));
        // Made shorter by somebody else, while a logger looks, and while none does.
        times.mark(0, stamp(2_000_000), false);
        times.truncated(inode(folder, 0), 50);
        assert_eq!(times.base, 150);
        times.mark(30, stamp(3_000_000), false);
        let times = Times::open(folder, Stream::Stdout, inode(folder, 0), 10);
        assert_eq!((times.base, marks(folder, 0)), (180, vec![]));
    }

    #[test]
    fn without_a_file_nothing_is_marked_and_nothing_fails() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(Stream::Stdout.times(folder.path(), 0)).unwrap();
        let mut times = Times::open(folder.path(), Stream::Stdout, 1, 0);
        times.mark(0, stamp(1), true);
        times.finish(7, stamp(2));
        times.truncated(1, 7);
        assert_eq!(times.base, 7);
    }
}
