//! The monitor's connection. At most one: a newer one replaces an older.

use crate::fd::{AsFd, BorrowedFd};
use crate::output::protocol::{MAX_LINE, PROTOCOL, Reply, Request};
use crate::sys::local::LocalConnection;
use std::io::ErrorKind;

/// A monitor that leaves this many bytes of replies unread is hung; it may connect again.
const MAX_BACKLOG: usize = 4 << 20;

pub(super) struct Session {
    connection: LocalConnection,
    input: Vec<u8>,
    output: Vec<u8>,
    waits_to_write: bool,
}

impl Session {
    /// A connection that was just accepted.
    pub(super) fn new(connection: LocalConnection) -> Self {
        let mut session = Self { connection, input: Vec::new(), output: Vec::new(), waits_to_write: false };
        session.queue(&Reply::Hello { protocol: PROTOCOL, pid: std::process::id() });
        session
    }

    /// What has arrived; the flag says whether the connection still stands.
    pub(super) fn receive(&mut self) -> (Vec<Request>, bool) {
        let mut requests = Vec::new();
        let mut buffer = vec![0; MAX_LINE];
        loop {
            match self.connection.receive(&mut buffer) {
                Ok(0) => return (requests, false),
                Ok(read) => self.input.extend_from_slice(buffer.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return (requests, true),
                Err(_) => return (requests, false),
            }
            self.take_lines(&mut requests);
            if self.input.len() > MAX_LINE {
                tracing::warn!(
                    "the monitor sent a line of more than {MAX_LINE} bytes; closing its connection"
                );
                return (requests, false);
            }
        }
    }

    fn take_lines(&mut self, requests: &mut Vec<Request>) {
        let Some(end) = self.input.iter().rposition(|byte| *byte == b'\n') else { return };
        for line in
            self.input.drain(..=end).as_slice().split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
        {
            match serde_json::from_slice(line) {
                Ok(request) => requests.push(request),
                Err(error) => tracing::warn!("skipping a message of the monitor: {error}"),
            }
        }
    }

    /// Adds to what is sent by the next [`flush`](Self::flush).
    pub(super) fn queue(&mut self, reply: &Reply) {
        match serde_json::to_vec(reply) {
            Ok(line) => {
                self.output.extend(line);
                self.output.push(b'\n');
            }
            Err(error) => tracing::error!("cannot write a message to the monitor: {error}"),
        }
    }

    /// Sends what it can without waiting; false when the connection is of no use any more.
    pub(super) fn flush(&mut self) -> bool {
        while !self.output.is_empty() {
            match self.connection.send(&self.output) {
                Ok(sent) => drop(self.output.drain(..sent)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return self.output.len() <= MAX_BACKLOG;
                }
                Err(_) => return false,
            }
        }
        true
    }

    /// Whether to be told when the monitor reads again; `None`: as before.
    pub(super) fn interest_changed(&mut self) -> Option<bool> {
        let behind = !self.output.is_empty();
        let changed = behind != self.waits_to_write;
        self.waits_to_write = behind;
        changed.then_some(behind)
    }
}

impl AsFd for Session {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }
}
