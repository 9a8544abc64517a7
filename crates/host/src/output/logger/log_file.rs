//! One open log file: always written at its end, by one logger.

use super::super::names::Stream;
use super::rotate::rotate;
use super::times::{Stamps, Times};
use crate::files::create_folders;
use crate::files::{FileId, Stamp};
use crate::output::protocol::Limits;
use crate::sys::fifo::{self, Reader};
use crate::sys::files as sys;
use crate::sys::positioned::FileExt;
use process_monitor_core::framing::{STAMP_BYTES, is_torn_stamp};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A line may exceed `maxFileBytes` by this much before it is cut, in bytes.
pub(super) const LINE_SLACK: u64 = 1 << 20;

/// Where the file's end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Not looked at yet.
    Unknown,
    /// After a line end, or in an empty file.
    LineStart,
    /// Inside a line; what was appended last may be a time stamp whose line is still to come.
    MidLine,
}

pub(super) struct LogFile {
    file: File,
    folder: Arc<Path>,
    stream: Stream,
    path: PathBuf,
    id: FileId,
    size: u64,
    end: End,
    times: Times,
    /// A rotation failed: not again before this size.
    not_before: u64,
}

impl LogFile {
    /// Opens the stream's log file at its end, and makes it and its folder if they aren't there.
    pub(super) fn open(folder: &Arc<Path>, stream: Stream) -> io::Result<Self> {
        let path = stream.file(folder, 0);
        let (file, stamp) = open_or_create(&path, folder)?;
        let times = Times::open(folder, stream, stamp.id.number, stamp.bytes);
        Ok(Self {
            file,
            folder: folder.clone(),
            stream,
            path,
            id: stamp.id,
            size: stamp.bytes,
            end: End::Unknown,
            times,
            not_before: 0,
        })
    }

    /// Whether this is still the file of that name; somebody else may have moved or deleted it.
    /// Notices also when it was truncated or appended to.
    pub(super) fn is_current(&mut self) -> bool {
        let Ok(found) = Stamp::behind(&self.path) else { return false };
        if found.id != self.id {
            return false;
        }
        if found.bytes < self.size {
            self.times.truncated(found.id.number, self.size);
        }
        if found.bytes != self.size {
            self.size = found.bytes;
            self.end = End::Unknown;
        }
        true
    }

    /// Its number in its file system.
    pub(super) fn number(&self) -> u64 {
        self.id.number
    }

    /// Where the next byte goes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// How much may be written before the file is looked at for rotation.
    pub(super) fn room(&self, limits: &Limits) -> u64 {
        limits.max_file_bytes.max(self.not_before).saturating_sub(self.size)
    }

    /// How much more of an unfinished line fits.
    pub(super) fn slack(&self, limits: &Limits) -> u64 {
        limits.max_file_bytes.max(self.not_before).saturating_add(LINE_SLACK).saturating_sub(self.size)
    }

    /// Whether the next byte belongs into a new file.
    pub(super) fn is_due(&mut self, limits: &Limits) -> io::Result<bool> {
        if self.size == 0 || self.room(limits) > 0 {
            return Ok(false);
        }
        Ok(self.slack(limits) == 0 || self.at_line_start()?)
    }

    /// Moves this file and its predecessors up by one and begins a new one. When that fails, this
    /// one is filled further: a full file is better than a blocked program.
    pub(super) fn rotate(&mut self, limits: &Limits, stamps: &mut Stamps) -> io::Result<()> {
        self.times.finish(self.size, stamps.now());
        if let Err(error) = rotate(&self.folder, self.stream, limits.keep_files) {
            tracing::warn!("cannot rotate {}: {error}; it grows further", self.path.display());
            self.not_before = self.size.saturating_add(limits.max_file_bytes.max(LINE_SLACK));
            return Ok(());
        }
        let folder = self.folder.clone();
        *self = Self::open(&folder, self.stream)?;
        Ok(())
    }

    /// What is appended next is read now. `turned`: the run's other stream was read since this one was.
    pub(super) fn mark(&mut self, stamps: &mut Stamps, turned: bool) {
        self.times.mark(self.size, stamps.now(), turned);
    }

    /// Whether the next byte begins a line.
    pub(super) fn at_line_start(&mut self) -> io::Result<bool> {
        if self.end == End::Unknown {
            self.end = match self.last_byte()? {
                None | Some(b'\n') => End::LineStart,
                Some(_) => End::MidLine,
            };
        }
        Ok(self.end == End::LineStart)
    }

    /// Says how the bytes ended that were moved in last.
    pub(super) fn moved_line(&mut self, complete: bool) {
        self.end = if complete { End::LineStart } else { End::MidLine };
    }

    /// Moves up to `length` bytes from `fifo` to the end of this file, in one step that a kill cannot
    /// split. 0 means that all writers are gone, [`ErrorKind::WouldBlock`] that there is nothing now.
    pub(super) fn splice(&mut self, fifo: &Reader, length: usize) -> io::Result<usize> {
        let moved = fifo::move_to(fifo, &self.file, self.size, length)?;
        self.grown_by(moved);
        Ok(moved)
    }

    /// Writes as much of `bytes` at the end as there is space for.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write_at(bytes, self.size)?;
        self.grown_by(written);
        Ok(written)
    }

    /// Writes all of `bytes` at the end, or nothing.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (before, end) = (self.size, self.end);
        let written = self.write(bytes)?;
        if written == bytes.len() {
            return Ok(());
        }
        self.file.set_len(before)?;
        (self.size, self.end) = (before, end);
        Err(sys::disk_full())
    }

    /// Takes away the part of a time stamp that a logger left which was killed while it wrote it: the kernel looks for
    /// a kill between two pages of a write (`generic_perform_write()` in `mm/filemap.c`).
    pub(super) fn drop_torn_stamp(&mut self) -> io::Result<()> {
        let looked_at = self.size.min(STAMP_BYTES as u64);
        let mut end = vec![0; STAMP_BYTES.min(usize::try_from(looked_at).unwrap_or(STAMP_BYTES))];
        let read = self.file.read_at(&mut end, self.size - looked_at)?;
        end.truncate(read);
        let line = end.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let torn = end.get(line..).unwrap_or_default();
        if is_torn_stamp(torn) {
            self.size = self.size.saturating_sub(torn.len() as u64);
            self.file.set_len(self.size)?;
            self.end = End::Unknown;
        }
        Ok(())
    }

    /// Writes what stands before a line; the next byte belongs to that line.
    pub(super) fn begin_line(&mut self, prefix: &[u8]) -> io::Result<()> {
        self.append(prefix)?;
        self.end = End::MidLine;
        Ok(())
    }

    fn grown_by(&mut self, bytes: usize) {
        self.size = self.size.saturating_add(bytes as u64);
        self.end = End::Unknown;
    }

    fn last_byte(&self) -> io::Result<Option<u8>> {
        let Some(last) = self.size.checked_sub(1) else { return Ok(None) };
        let mut byte = [0];
        let read = self.file.read_at(&mut byte[..], last)?;
        Ok((read == 1).then_some(byte[0]))
    }
}

fn open_or_create(path: &Path, folder: &Path) -> io::Result<(File, Stamp)> {
    let file = match sys::open_log(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            create_folders(folder).map_err(io::Error::other)?;
            sys::open_log(path)?
        }
        result => result?,
    };
    match file.metadata()?.is_file() {
        true => Stamp::of(&file).map(|stamp| (file, stamp)),
        // Such as a FIFO, which could block us or lose what is written.
        false => Err(io::Error::new(ErrorKind::InvalidInput, "it is no regular file")),
    }
}
