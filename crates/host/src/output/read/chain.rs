//! The files of one stream as a chain from old to new, while the logger renames them.
//!
//! Rotation only ever moves a file to the next higher index, beginning with the oldest. So a search
//! by ascending index cannot miss a file, and a neighbour found while a file kept its index is
//! really its neighbour. The functions below check just that, and else look again.

use crate::files::{FileError, FileId, Stamp};
use crate::output::error::failed;
use crate::output::names::Stream;
use crate::output::times::{self, Header};
use crate::sys::files::open_following;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

/// How often to look again; the next notification looks anyway.
const ATTEMPTS: usize = 64;

/// How many rotations may happen between listing a folder and looking for one of its files.
const SLACK: u32 = 16;

/// The files of one stream of one run.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    pub(super) folder: Arc<Path>,
    pub(super) stream: Stream,
}

/// One file of a chain, whatever its present name.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) file: File,
    id: FileId,
}

impl Link {
    fn new(file: File) -> io::Result<Self> {
        let id = FileId::of(&file)?;
        Ok(Self { file, id })
    }

    /// Whether `other` is the same file.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.id == other.id
    }

    /// Its size in bytes.
    pub(super) fn size(&self) -> io::Result<u64> {
        self.file.metadata().map(|metadata| metadata.len())
    }
}

impl Chain {
    /// The newest file; `None` when there is none.
    pub(super) fn newest(&self) -> Result<Option<Link>, FileError> {
        // At 0 there may be one again by now.
        let places = self.places()?;
        self.first_of(std::iter::once(&0).chain(&places))
    }

    /// The oldest file; `None` when there is none.
    pub(super) fn oldest(&self) -> Result<Option<Link>, FileError> {
        for _ in 0..ATTEMPTS {
            let places = self.places()?;
            if places.is_empty() {
                return Ok(None);
            }
            let Some(oldest) = self.first_of(places.iter().rev())? else { continue };
            // On the way down one may miss a file that is on its way up; on the way up one meets it.
            let Some(index) = self.index_of(&oldest)? else { continue };
            if self.are_free(above(&places, index)) {
                return Ok(Some(oldest));
            }
        }
        Ok(None)
    }

    /// The file that was begun when `link` was full. `None` while there is none. When `link` is
    /// deleted, this is the oldest that is left.
    pub(super) fn after(&self, link: &Link) -> Result<Option<Link>, FileError> {
        for _ in 0..ATTEMPTS {
            let Some(index) = self.index_of(link)? else { return self.oldest() };
            if index == 0 {
                return Ok(None);
            }
            let places = self.places()?;
            let Some(next) = self.first_of(places.range(..index).rev())? else { return Ok(None) };
            // Unmoved, and what was skipped as absent still is: then nothing came between.
            let skipped_is_free = self.index_of(&next)?.is_some_and(|found| {
                self.are_free(above(&places, found).take_while(|between| **between < index))
            });
            if self.id_at(index) == Some(link.id) && skipped_is_free {
                return Ok(Some(next));
            }
        }
        Ok(None)
    }

    /// The file that was full when `link` was begun; `None` when it is deleted.
    pub(super) fn before(&self, link: &Link) -> Result<Option<Link>, FileError> {
        for _ in 0..ATTEMPTS {
            let Some(index) = self.index_of(link)? else { return Ok(None) };
            let previous = self.first_of(above(&self.places()?, index))?;
            if self.id_at(index) == Some(link.id) {
                return Ok(previous);
            }
        }
        Ok(None)
    }

    /// The file that holds byte `offset` of the stream: where it begins in the stream, and where in it that byte
    /// is. When that is deleted, the oldest that is left; `None` when there is none.
    pub(super) fn locate(&self, offset: u64) -> Result<Option<(u64, Link, u64)>, FileError> {
        if offset == 0 {
            let oldest = self.oldest()?;
            return oldest.map(|link| Ok((self.base_of(&link)?, link, 0))).transpose();
        }
        let mut found = None;
        let mut next = self.newest()?;
        while let Some(link) = next {
            let base = self.base_of(&link)?;
            if base <= offset {
                let size = link.size().map_err(failed("look at", &self.folder))?;
                return Ok(Some((base, link, (offset - base).min(size))));
            }
            next = self.before(&link)?;
            found = Some((base, link, 0));
        }
        Ok(found)
    }

    /// The offset in the stream of the first byte of `link`. Where that was not written down, what is deleted
    /// does not count.
    pub(super) fn base_of(&self, link: &Link) -> Result<u64, FileError> {
        if let Some((_, header)) = self.times_of(link)? {
            return Ok(header.base);
        }
        let mut sum = 0;
        let mut next = self.before(link)?;
        while let Some(older) = next {
            sum += older.size().map_err(failed("look at", &self.folder))?;
            if let Some((_, header)) = self.times_of(&older)? {
                return Ok(header.base.saturating_add(sum));
            }
            next = self.before(&older)?;
        }
        Ok(sum)
    }

    /// When the bytes of `link` were read from the program; `None` when that was not written down.
    pub(super) fn times_of(&self, link: &Link) -> Result<Option<(File, Header)>, FileError> {
        let Some(index) = self.index_of(link)? else { return Ok(None) };
        Ok(times::find(&self.folder, self.stream, index, link.id.number))
    }

    /// The offset of the byte that comes next to the stream.
    pub(super) fn end(&self) -> Result<u64, FileError> {
        let Some(newest) = self.newest()? else { return Ok(0) };
        let size = newest.size().map_err(failed("look at", &self.folder))?;
        Ok(self.base_of(&newest)?.saturating_add(size))
    }

    fn first_of<'a>(&self, indexes: impl IntoIterator<Item = &'a u32>) -> Result<Option<Link>, FileError> {
        for index in indexes {
            let path = self.stream.file(&self.folder, *index);
            match open_following(&path).and_then(Link::new) {
                Ok(link) => return Ok(Some(link)),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(failed("open", &path)(error)),
            }
        }
        Ok(None)
    }

    fn index_of(&self, link: &Link) -> Result<Option<u32>, FileError> {
        if self.id_at(0) == Some(link.id) {
            return Ok(Some(0));
        }
        Ok(self.places()?.into_iter().find(|index| self.id_at(*index) == Some(link.id)))
    }

    fn are_free<'a>(&self, mut indexes: impl Iterator<Item = &'a u32>) -> bool {
        indexes.all(|index| self.id_at(*index).is_none())
    }

    fn id_at(&self, index: u32) -> Option<FileId> {
        Stamp::behind(&self.stream.file(&self.folder, index)).map(|stamp| stamp.id).ok()
    }

    /// The indexes at which files are, or may be once they were rotated a few times more. Not all up to the highest:
    /// somebody may have called a file `stdout.20260124.log`.
    fn places(&self) -> Result<BTreeSet<u32>, FileError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
            Err(error) => return Err(failed("read the folder", &self.folder)(error)),
        };
        let names = entries.filter_map(Result::ok).map(|entry| entry.file_name());
        let indexes = names.filter_map(|name| self.stream.index_of(name.to_str()?));
        let moved = indexes.flat_map(|index| index..=index.saturating_add(SLACK));
        Ok(moved.collect())
    }
}

fn above(places: &BTreeSet<u32>, index: u32) -> impl Iterator<Item = &u32> {
    places.range((Bound::Excluded(index), Bound::Unbounded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::thread;

    fn content(link: Option<Link>) -> String {
        let mut text = String::new();
        link.map(|mut link| link.file.read_to_string(&mut text)).transpose().unwrap();
        text
    }

    /// Moves all files up by one and begins file `name`.
    fn rotate(chain: &Chain, files: u32) {
        for index in (0..files).rev() {
            fs::rename(chain.stream.file(&chain.folder, index), chain.stream.file(&chain.folder, index + 1))
                .unwrap();
        }
        fs::write(chain.stream.file(&chain.folder, 0), "a later one").unwrap();
    }

    #[test]
    fn the_oldest_is_not_missed_while_files_are_renamed() {
        // Each rename is a call of another process where the system is emulated.
        for _ in 0..if cfg!(windows) { 20 } else { 200 } {
            let folder = tempfile::tempdir().unwrap();
            let chain = Chain { folder: folder.path().into(), stream: Stream::Stdout };
            fs::write(chain.stream.file(folder.path(), 0), "the first").unwrap();
            thread::scope(|scope| {
                let rotating = scope.spawn(|| (1..10).for_each(|files| rotate(&chain, files)));
                while !rotating.is_finished() {
                    let found = content(chain.oldest().unwrap());
                    assert!(found == "the first" || found.is_empty(), "{found:?}");
                }
            });
        }
    }

    /// Nobody tries every index up to the highest.
    #[test]
    fn a_file_with_a_date_for_its_index_is_an_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let chain = Chain { folder: folder.path().into(), stream: Stream::Stdout };
        for index in [4_000_000_000, 20_260_124, 1] {
            fs::write(chain.stream.file(folder.path(), index), index.to_string()).unwrap();
        }
        let mut found = Vec::new();
        let mut next = chain.oldest().unwrap();
        while let Some(link) = next {
            next = chain.after(&link).unwrap();
            found.push(content(Some(link)));
        }
        assert_eq!(found, ["4000000000", "20260124", "1"]);
        let newest = chain.newest().unwrap().unwrap();
        let before = chain.before(&newest).unwrap();
        assert_eq!(content(before), "20260124");
        assert_eq!(content(Some(newest)), "1");
    }

    #[cfg(unix)]
    #[test]
    fn a_fifo_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let chain = Chain { folder: folder.path().into(), stream: Stream::Stdout };
        let path = chain.stream.file(folder.path(), 0);
        crate::sys::fifo::make(&path).unwrap();
        assert_eq!(content(chain.newest().unwrap()), "");
    }
}
