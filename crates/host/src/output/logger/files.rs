//! The log files that are open: a bounded number, whatever the number of programs.

use super::log_file::LogFile;
use super::stream::StreamState;
use crate::sys::files::{is_out_of_descriptors, null};
use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io;

/// The most log files that are open at a time.
const OPEN_FILES: usize = 256;

struct Slot {
    file: LogFile,
    /// Used since it was last considered for closing.
    used: bool,
}

/// Closes files that were not used for long ("second chance": one turn of the queue without use).
pub(super) struct OpenFiles {
    slots: HashMap<u64, Slot>,
    queue: VecDeque<u64>,
    /// A descriptor to give up when there is no other left, so that one log file can always be open.
    reserve: Option<File>,
}

impl OpenFiles {
    pub(super) fn new() -> Self {
        Self { slots: HashMap::new(), queue: VecDeque::new(), reserve: reserve() }
    }

    /// The stream's log file, if it is open and still the one of that name; for one turn,
    /// [`put`](Self::put) it back after.
    pub(super) fn take(&mut self, token: u64) -> Option<LogFile> {
        let mut slot = self.slots.remove(&token)?;
        slot.file.is_current().then_some(slot.file)
    }

    /// Opens the stream's log file.
    pub(super) fn open(&mut self, stream: &StreamState) -> io::Result<LogFile> {
        let mut log = self.with_reserve(|| LogFile::open(&stream.folder, stream.stream))?;
        if stream.limits.timestamps {
            log.drop_torn_stamp()?;
        }
        Ok(log)
    }

    /// Gives a file back that was taken.
    pub(super) fn put(&mut self, token: u64, file: LogFile) {
        if self.slots.len() >= OPEN_FILES {
            self.close_one();
        }
        self.slots.insert(token, Slot { file, used: true });
        if !self.queue.contains(&token) {
            self.queue.push_back(token);
        }
    }

    /// Closes the file of a stream that is over.
    pub(super) fn close(&mut self, token: u64) {
        self.slots.remove(&token);
        self.queue.retain(|queued| *queued != token);
        self.refill();
    }

    /// Does `open`; when descriptors are used up, closes log files until it succeeds. Never takes the
    /// last descriptor of the log files.
    pub(super) fn with_descriptor<T>(&mut self, open: impl Fn() -> io::Result<T>) -> io::Result<T> {
        loop {
            match open() {
                Err(error) if is_out_of_descriptors(&error) && self.close_one() => {}
                result => return result,
            }
        }
    }

    /// As [`with_descriptor`](Self::with_descriptor), for what must not fail: it may take the last one.
    pub(super) fn with_reserve<T>(&mut self, open: impl Fn() -> io::Result<T>) -> io::Result<T> {
        match self.with_descriptor(&open) {
            Err(error) if is_out_of_descriptors(&error) && self.reserve.take().is_some() => open(),
            result => result,
        }
    }

    /// Closes the file that was not used for longest; false when that left no descriptor for another use.
    fn close_one(&mut self) -> bool {
        while let Some(token) = self.queue.pop_front() {
            match self.slots.get_mut(&token) {
                Some(slot) if slot.used => {
                    slot.used = false;
                    self.queue.push_back(token);
                }
                Some(_) => {
                    self.slots.remove(&token);
                    if !self.refill() {
                        return true;
                    }
                }
                None => {}
            }
        }
        false
    }

    /// Takes a free descriptor as the reserve, if there is none; whether it did.
    fn refill(&mut self) -> bool {
        let missing = self.reserve.is_none();
        if missing {
            self.reserve = reserve();
        }
        missing && self.reserve.is_some()
    }
}

fn reserve() -> Option<File> {
    null().ok()
}
