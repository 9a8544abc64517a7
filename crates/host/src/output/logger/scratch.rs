//! Looking into a FIFO without consuming.

use crate::fd::{AsFd, OwnedFd};
use crate::sys::fifo::{self, pipe};
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

/// A pipe of our own into which the head of a FIFO is duplicated. It is empty between looks.
pub(super) struct Scratch {
    reader: OwnedFd,
    writer: OwnedFd,
    buffer: Vec<u8>,
}

impl Scratch {
    pub(super) fn new() -> io::Result<Self> {
        let (reader, writer) = pipe()?;
        Ok(Self { reader, writer, buffer: vec![0; PEEK_BYTES] })
    }

    /// The next bytes of `fifo`, at most `limit`. There may be more than is shown: tee copies as many
    /// of the pipe's buffers as fit into ours.
    pub(super) fn peek(&mut self, fifo: impl AsFd, limit: usize) -> io::Result<Peek<'_>> {
        let limit = limit.min(PEEK_BYTES);
        let shown = match fifo::look(fifo, &self.writer, limit) {
            Ok(0) => return Ok(Peek::Eof),
            Ok(shown) => shown,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Peek::Empty),
            Err(error) => return Err(error),
        };
        let mut filled = 0;
        while let Some(rest) = self.buffer.get_mut(filled..shown).filter(|rest| !rest.is_empty()) {
            match fifo::read(&self.reader, rest) {
                Ok(read) if read > 0 => filled += read,
                other => return Err(self.renew(other.err().unwrap_or(ErrorKind::UnexpectedEof.into()))),
            }
        }
        Ok(Peek::Data(self.buffer.get(..shown).unwrap_or_default()))
    }

    /// After a failed read the pipe may not be empty, and its content would be taken for the next FIFO's.
    fn renew(&mut self, failure: io::Error) -> io::Error {
        match pipe() {
            Ok((reader, writer)) => (self.reader, self.writer) = (reader, writer),
            Err(error) => return error,
        }
        failure
    }
}
