//! From a FIFO to a file where nothing does it in one step, so that a kill at any moment loses and doubles nothing.
//!
//! Bytes are read from the FIFO *into a file that is mapped into memory*: what read(2) has copied is there whatever
//! becomes of this process, and the next logger finds it. Beside the bytes stands in what state they are, one number
//! that is written with one store:
//!
//! ```text
//!  ├── header ──┼────────────┬───────────────┬──────────────┤
//!               │  written   │ begin … end   │ being taken  │
//!                             still to write   from the FIFO
//! ```
//!
//! * *Taking*: first it is written down how many bytes are asked for, no more than the FIFO has, and their place is
//!   filled with bytes that occur in no text. A logger that comes after a kill sees by them whether the read happened.
//! * *Writing*: first it is written down where in which log file the bytes are about to begin. A logger that comes after
//!   a kill sees by the file's length how many of them are there.
//!
//! What remains: a kill between the last instruction of a read and the one that notes it, of bytes that are no text and
//! equal those put in their place, while more was printed. Of `n` bytes that is one in 13ⁿ such kills.

use super::log_file::LogFile;
use super::scratch::Peek;
use crate::files::Stamp;
use crate::output::names::Stream;
use crate::sys::fifo::{self, Reader};
use crate::sys::files as sys;
use crate::sys::mapping::Mapping;
use crate::sys::positioned::FileExt;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many bytes one staging file holds.
const CAPACITY: usize = 32 << 10;

/// Where the bytes begin: after the header, in a page of their own.
const DATA: usize = 16 << 10;

/// The extension of a staging file, after the name of its FIFO.
const EXTENSION: &str = "staged";

/// Bytes that occur in no UTF-8 text (RFC 3629, section 3).
const NO_TEXT: [u8; 13] = [0xc0, 0xc1, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff];

/// So many bytes in a row that are no text were not read: the read gave less than was asked for.
const SURELY_UNREAD: usize = 8;

/// What is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Nothing.
    Idle,
    /// So many bytes are being read from the FIFO to behind the end.
    Taking(usize),
    /// So many bytes from the beginning are being written.
    Writing(usize),
}

/// Which bytes are there, and what is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    begin: usize,
    end: usize,
    step: Step,
}

impl State {
    const EMPTY: Self = Self { begin: 0, end: 0, step: Step::Idle };
    const BITS: u32 = 20;

    fn to_bits(self) -> u64 {
        let (kind, count) = match self.step {
            Step::Idle => (0, 0),
            Step::Taking(count) => (1, count),
            Step::Writing(count) => (2, count),
        };
        let field = |value: usize, at: u32| (value as u64) << (at * Self::BITS);
        field(self.begin, 0) | field(self.end, 1) | field(count, 2) | kind << (3 * Self::BITS)
    }

    /// What another logger has written; nothing when that makes no sense.
    fn from_bits(bits: u64) -> Self {
        let field = |at: u32| (bits >> (at * Self::BITS)) as usize & ((1 << Self::BITS) - 1);
        let (begin, end, count) = (field(0), field(1), field(2));
        let step = match bits >> (3 * Self::BITS) {
            1 => Step::Taking(count),
            2 => Step::Writing(count),
            _ => Step::Idle,
        };
        let fits = match step {
            Step::Idle => true,
            Step::Taking(count) => end + count <= CAPACITY,
            Step::Writing(count) => begin + count <= end,
        };
        if begin <= end && end <= CAPACITY && fits { Self { begin, end, step } } else { Self::EMPTY }
    }
}

/// The beginning of the file.
#[repr(C)]
struct Header {
    state: AtomicU64,
    /// How many bytes the FIFO had before the read that is under way.
    available: AtomicU64,
    /// The log file that is being written to, and how long it was before.
    inode: AtomicU64,
    size: AtomicU64,
}

/// Bytes on their way from one FIFO to its log files. There is one logger, and so one user of the file.
pub(super) struct Staging {
    map: Map,
    state: State,
    /// Dropped after `map`.
    file: Leftover,
}

impl Staging {
    /// Where the bytes of `fifo` are staged.
    pub(super) fn path(fifo: &Path) -> PathBuf {
        let mut name = fifo.as_os_str().to_owned();
        name.push(".");
        name.push(EXTENSION);
        name.into()
    }

    /// Opens the staging file of the FIFO at `path`, and makes it if it is not there. What an earlier logger left half
    /// done is taken to its end, with the log files in `folder`.
    pub(super) fn open(path: &Path, fifo: &Reader, folder: &Path, stream: Stream) -> io::Result<Self> {
        let path = Self::path(path);
        let map = Map::open(&path)?;
        let state = State::from_bits(map.header().state.load(Ordering::SeqCst));
        let mut staging = Self { map, state, file: Leftover { path, goes: false } };
        staging.recover(fifo, folder, stream);
        Ok(staging)
    }

    /// What is next, at most `limit` bytes of it.
    pub(super) fn peek(&mut self, fifo: &Reader, limit: usize) -> io::Result<Peek<'_>> {
        if self.is_empty() {
            match self.take(fifo) {
                Ok(0) => return Ok(Peek::Eof),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Peek::Empty),
                Err(error) => return Err(error),
            }
        }
        let State { begin, end, .. } = self.state;
        Ok(Peek::Data(self.map.bytes(begin, end.min(begin.saturating_add(limit)))))
    }

    /// Whether nothing is here, whatever the FIFO has.
    pub(super) fn is_empty(&self) -> bool {
        self.state.begin == self.state.end
    }

    /// Writes up to `length` bytes to the end of `log`. There must be some ([`Staging::peek`]).
    pub(super) fn write_to(&mut self, log: &mut LogFile, length: usize) -> io::Result<usize> {
        let State { begin, end, .. } = self.state;
        let count = length.min(end - begin);
        let header = self.map.header();
        header.inode.store(log.number(), Ordering::SeqCst);
        header.size.store(log.size(), Ordering::SeqCst);
        self.set(State { begin, end, step: Step::Writing(count) });
        crate::crash_point!("staging::before_write");
        let written = log.write(self.map.bytes(begin, begin + count));
        crate::crash_point!("staging::after_write");
        self.set(State { begin: begin + written.as_ref().unwrap_or(&0), end, step: Step::Idle });
        written
    }

    /// Forgets up to `length` bytes and returns them. There must be some.
    pub(super) fn discard(&mut self, length: usize) -> Vec<u8> {
        let State { begin, end, .. } = self.state;
        let until = end.min(begin.saturating_add(length));
        let discarded = self.map.bytes(begin, until).to_vec();
        self.set(State { begin: until, end, step: Step::Idle });
        discarded
    }

    /// Reads what the FIFO has into the empty file. 0: all writers are gone.
    fn take(&mut self, fifo: &Reader) -> io::Result<usize> {
        let available = fifo::available(fifo)?;
        // Where nothing is, asking for a byte tells whether there will ever be any.
        let count = usize::try_from(available).unwrap_or(CAPACITY).clamp(1, CAPACITY);
        let place = self.map.bytes_mut(0, count);
        place.iter_mut().zip(NO_TEXT.iter().cycle()).for_each(|(byte, no_text)| *byte = *no_text);
        self.map.header().available.store(available, Ordering::SeqCst);
        self.set(State { begin: 0, end: 0, step: Step::Taking(count) });
        crate::crash_point!("staging::before_read");
        let read = fifo::read(fifo, self.map.bytes_mut(0, count));
        crate::crash_point!("staging::after_read");
        self.set(State { begin: 0, end: *read.as_ref().unwrap_or(&0), step: Step::Idle });
        read
    }

    fn set(&mut self, state: State) {
        self.state = state;
        self.map.header().state.store(state.to_bits(), Ordering::SeqCst);
    }

    fn recover(&mut self, fifo: &Reader, folder: &Path, stream: Stream) {
        let State { begin, end, step } = self.state;
        let state = match step {
            Step::Idle => return,
            Step::Taking(count) => {
                let left = fifo::available(fifo).unwrap_or(u64::MAX);
                let grew_less = left < self.map.header().available.load(Ordering::SeqCst);
                State {
                    begin,
                    end: end + taken(self.map.bytes(end, end + count), grew_less),
                    step: Step::Idle,
                }
            }
            Step::Writing(count) => {
                State { begin: begin + self.written(folder, stream).min(count), end, step: Step::Idle }
            }
        };
        self.set(state);
    }

    /// How much longer the log file became that was being written to. It is the newest or, if somebody has moved it, the
    /// one before.
    fn written(&self, folder: &Path, stream: Stream) -> usize {
        let header = self.map.header();
        let inode = header.inode.load(Ordering::SeqCst);
        let found = (0..2).find_map(|index| {
            let file = Stamp::behind(&stream.file(folder, index)).ok()?;
            (file.id.number == inode).then_some(file.bytes)
        });
        let grown = found.map(|size| size.saturating_sub(header.size.load(Ordering::SeqCst)));
        grown.and_then(|grown| usize::try_from(grown).ok()).unwrap_or(0)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Nothing is here: the next logger needs no file to know that.
        self.file.goes = self.is_empty();
    }
}

/// The file on disk, which is removed, if it goes, after it was in memory: not every system removes what is.
struct Leftover {
    path: PathBuf,
    goes: bool,
}

impl Drop for Leftover {
    fn drop(&mut self) {
        if self.goes && sys::remove_file(&self.path).is_err() {
            tracing::debug!("{} is left behind", self.path.display());
        }
    }
}

/// How many bytes of `place`, which was filled with what is no text, a read has put there. `shrunk`: the FIFO has less
/// than before, so that it has happened.
fn taken(place: &[u8], shrunk: bool) -> usize {
    let untouched = |(at, byte): (usize, &u8)| NO_TEXT.get(at % NO_TEXT.len()) == Some(byte);
    let unread = place.iter().enumerate().rev().take_while(|entry| untouched(*entry)).count();
    if unread == place.len() && !shrunk {
        return 0;
    }
    if unread < SURELY_UNREAD || unread == place.len() { place.len() } else { place.len() - unread }
}

/// The file, in memory.
struct Map(Mapping);

impl Map {
    fn open(path: &Path) -> io::Result<Self> {
        let file = sys::open_lock(path)?;
        reserve(&file)?;
        Mapping::new(&file, DATA + CAPACITY).map(Self)
    }

    fn header(&self) -> &Header {
        // SAFETY: the mapping begins with a header, aligned as pages are; its parts are atomic.
        unsafe { self.0.base().cast().as_ref() }
    }

    /// The bytes from `begin` to before `end`.
    fn bytes(&self, begin: usize, end: usize) -> &[u8] {
        let (begin, end) = (begin.min(CAPACITY), end.min(CAPACITY));
        // SAFETY: it lies in the mapping, and only `bytes_mut` of the one owner changes it.
        unsafe { std::slice::from_raw_parts(self.data().add(begin), end.saturating_sub(begin)) }
    }

    fn bytes_mut(&mut self, begin: usize, end: usize) -> &mut [u8] {
        let (begin, end) = (begin.min(CAPACITY), end.min(CAPACITY));
        // SAFETY: as of `bytes`.
        unsafe { std::slice::from_raw_parts_mut(self.data().add(begin), end.saturating_sub(begin)) }
    }

    fn data(&self) -> *mut u8 {
        // SAFETY: it lies in the mapping.
        unsafe { self.0.base().as_ptr().cast::<u8>().add(DATA) }
    }
}

/// Gives the file its whole size on disk: a full disk is told now, and not by a signal when the memory is touched.
fn reserve(file: &File) -> io::Result<()> {
    if file.metadata()?.len() == (DATA + CAPACITY) as u64 {
        return Ok(());
    }
    // The header, which is at the beginning, stays empty until all the rest is there.
    file.write_all_at(&vec![0; DATA + CAPACITY], 0)
}

#[cfg(test)]
#[path = "staging_tests.rs"]
mod tests;
