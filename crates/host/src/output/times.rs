//! `stdout.times`: when the bytes of `stdout.log` were read from the program.
//!
//! Only a hint: readers put the lines of two streams into order by it and find the lines of the last
//! minutes. Where it is missing, torn or stale, the order is coarser, and nothing is lost or doubled.
//!
//! ```text
//!  header   "PMTIMES1"   inode of the log file   where in the stream the log file begins   0
//!  mark     offset in the log file   stamp
//!  mark     …
//! ```
//!
//! Everything is 8 bytes, little endian. The bytes from a mark's offset to the next mark's were read at its
//! stamp or shortly after. Both grow from mark to mark. The inode tells a file that was left behind by a
//! kill between two renames, or belongs to a log file that somebody moved away, from the right one.

use super::names::Stream;
use crate::sys::positioned::FileExt;
use process_monitor_core::time::Wall;
use std::fs::File;
use std::io;
use std::path::Path;

const MAGIC: u64 = u64::from_le_bytes(*b"PMTIMES1");

/// The size of the header, in bytes.
pub(super) const HEADER: u64 = 32;

/// The size of a mark, in bytes.
pub(super) const MARK: u64 = 16;

/// A log file may be this many names away from its times: they are renamed one after the other.
const ASTRAY: u32 = 2;

/// When something was read. Stamps grow, whatever the clock does: whenever it is set back by more than a
/// second, a new *era* begins, which counts before the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp(u64);

impl Stamp {
    /// Microseconds since 1970 need 52 bits until the year 2112.
    const TIME_BITS: u32 = 52;
    /// How far the clock may go back within an era, in microseconds.
    const LENIENT: u64 = 1_000_000;

    /// Before all others.
    pub(super) const ZERO: Self = Self(0);

    /// The stamp for `now`, in microseconds since 1970, after `last`; always greater than it.
    pub(super) fn after(last: Self, now: u64) -> Self {
        let now = now.min((1 << Self::TIME_BITS) - 1);
        let era = last.0 >> Self::TIME_BITS;
        let set_back = now.saturating_add(Self::LENIENT) < last.micros();
        let next = Self(((era + u64::from(set_back)) << Self::TIME_BITS) | now);
        next.max(Self(last.0.saturating_add(1)))
    }

    /// Microseconds since 1970.
    pub(super) fn micros(self) -> u64 {
        self.0 & ((1 << Self::TIME_BITS) - 1)
    }

    /// To the millisecond.
    pub(super) fn wall(self) -> Wall {
        Wall::from_unix_millis(i64::try_from(self.micros() / 1000).unwrap_or(i64::MAX))
    }
}

/// What begins a file of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Of the log file.
    pub(super) inode: u64,
    /// How many bytes of the stream came before the log file's first.
    pub(super) base: u64,
}

impl Header {
    pub(super) fn bytes(self) -> [u8; HEADER as usize] {
        words([MAGIC, self.inode, self.base, 0])
    }

    /// The header of `file`; `None` when it has none.
    pub(super) fn read(file: &File) -> io::Result<Option<Self>> {
        let mut bytes = [0; HEADER as usize];
        match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let [magic, inode, base, _] = numbers(&bytes);
        Ok((magic == MAGIC).then_some(Self { inode, base }))
    }
}

/// From here on, bytes were read at this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// In the log file.
    pub(super) offset: u64,
    pub(super) stamp: Stamp,
}

impl Mark {
    pub(super) fn bytes(self) -> [u8; MARK as usize] {
        words([self.offset, self.stamp.0])
    }

    pub(super) fn of(bytes: &[u8; MARK as usize]) -> Self {
        let [offset, stamp] = numbers(bytes);
        Self { offset, stamp: Stamp(stamp) }
    }

    /// The `nth` mark of `file`, from 0; `None` behind the last one.
    pub(super) fn read(file: &File, nth: u64) -> io::Result<Option<Self>> {
        let mut bytes = [0; MARK as usize];
        match file.read_exact_at(&mut bytes, HEADER.saturating_add(nth.saturating_mul(MARK))) {
            Ok(()) => Ok(Some(Self::of(&bytes))),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How many whole marks `file` has.
    pub(super) fn count(file: &File) -> io::Result<u64> {
        Ok(file.metadata()?.len().saturating_sub(HEADER) / MARK)
    }

    /// The last whole mark of `file`.
    pub(super) fn last(file: &File) -> io::Result<Option<Self>> {
        match Self::count(file)?.checked_sub(1) {
            Some(last) => Self::read(file, last),
            None => Ok(None),
        }
    }
}

/// The times of the log file with this inode, whose name has `index` or had it a moment ago.
pub(super) fn find(folder: &Path, stream: Stream, index: u32, inode: u64) -> Option<(File, Header)> {
    let near = (index.saturating_sub(ASTRAY)..=index.saturating_add(ASTRAY)).filter(|near| *near != index);
    std::iter::once(index).chain(near).find_map(|index| {
        let file = File::open(stream.times(folder, index)).ok()?;
        let header = Header::read(&file).ok()??;
        (header.inode == inode).then_some((file, header))
    })
}

fn words<const WORDS: usize, const BYTES: usize>(numbers: [u64; WORDS]) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    bytes
}

fn numbers<const WORDS: usize>(bytes: &[u8]) -> [u64; WORDS] {
    let mut numbers = [0; WORDS];
    for (number, place) in numbers.iter_mut().zip(bytes.chunks_exact(8)) {
        *number = place.try_into().map_or(0, u64::from_le_bytes);
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_grow_whatever_the_clock_does() {
        let second = 1_000_000;
        let now = 1_769_250_600 * second;
        // The same moment again, a little back, far back, and on from there.
        let clock = [now, now, now + 5, now - second / 2, now - 3600 * second, now - 3600 * second + 7, now];
        let mut last = Stamp::ZERO;
        let mut seen = Vec::new();
        for now in clock {
            let next = Stamp::after(last, now);
            assert!(next > last, "{next:?} after {last:?}");
            seen.push(next.micros());
            last = next;
        }
        let expected = [now, now + 1, now + 5, now + 6, now - 3600 * second, now - 3600 * second + 7, now];
        assert_eq!(seen, expected);
        assert_eq!(Stamp::after(Stamp::ZERO, u64::MAX).micros(), (1 << 52) - 1);
    }

    #[test]
    fn what_is_written_is_read() {
        let header = Header { inode: 7, base: 1 << 40 };
        let marks = [Mark { offset: 0, stamp: Stamp(5) }, Mark { offset: 300, stamp: Stamp(9) }];
        let mut bytes = header.bytes().to_vec();
        marks.iter().for_each(|mark| bytes.extend(mark.bytes()));
        // A torn one counts for nothing.
        bytes.extend([1; 10]);
        let folder = tempfile::tempdir().unwrap();
        let path = Stream::Stdout.times(folder.path(), 1);
        std::fs::write(&path, &bytes).unwrap();
        let (file, found) = find(folder.path(), Stream::Stdout, 0, 7).unwrap();
        assert_eq!((found, Mark::count(&file).unwrap()), (header, 2));
        assert_eq!(Mark::last(&file).unwrap(), Some(marks[1]));
        assert_eq!(Mark::read(&file, 2).unwrap(), None);
        assert!(find(folder.path(), Stream::Stdout, 1, 8).is_none(), "another log file's");
        for length in [0, 8, 31] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(find(folder.path(), Stream::Stdout, 1, 7).is_none(), "{length} bytes");
        }
    }
}
