//! Looking into a FIFO without consuming.

use crate::sys::fifo::{Looker, Reader};
use std::io::{self, ErrorKind};

/// The most that one look shows, in bytes: the capacity of a pipe (pipe(7)).
pub(super) const PEEK_BYTES: usize = 64 << 10;

/// What is next in a FIFO.
pub(super) enum Peek<'a> {
    /// These bytes, at least one.
    Data(&'a [u8]),
    /// Nothing yet.
    Empty,
    /// Nothing ever again: all writers are gone.
    Eof,
}

/// Where a look puts what it sees.
pub(super) struct Scratch {
    looker: Looker,
    buffer: Vec<u8>,
}

impl Scratch {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { looker: Looker::new()?, buffer: vec![0; PEEK_BYTES] })
    }

    /// The next bytes of `fifo`, at most `limit`. There may be more than is shown.
    pub(super) fn peek(&mut self, fifo: &Reader, limit: usize) -> io::Result<Peek<'_>> {
        let place = self.buffer.get_mut(..limit.min(PEEK_BYTES)).unwrap_or_default();
        match self.looker.look(fifo, place) {
            Ok(0) => Ok(Peek::Eof),
            Ok(shown) => Ok(Peek::Data(self.buffer.get(..shown).unwrap_or_default())),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Peek::Empty),
            Err(error) => Err(error),
        }
    }
}
