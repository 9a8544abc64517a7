//! Low descriptors that are kept free for handing things to a child.
//!
//! A monitor of ten thousand programs has thirty thousand descriptors. A fork copies the table of
//! them all, for the exec to close them again. So the child is made with a shared table (CLONE_FILES)
//! and unshares only its lowest part (close_range(2) with CLOSE_RANGE_UNSHARE), in which the four
//! that it needs are found: the cost of a spawn does not grow with the number of other programs.

use rustix::fs::{Mode, OFlags};
use rustix::io::{DupFlags, Errno, dup3, fcntl_dupfd_cloexec};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Mutex, PoisonError};

/// Sets that no spawn uses at the moment: as many as spawns ever ran at the same time.
static IDLE: Mutex<Vec<Slots>> = Mutex::new(Vec::new());

/// Four reserved descriptors, above 2.
struct Slots {
    /// `/dev/null`, for reading.
    null: OwnedFd,
    /// Between two uses all of these are `/dev/null` as well.
    stdout: OwnedFd,
    stderr: OwnedFd,
    record: OwnedFd,
}

impl Slots {
    fn reserve() -> Result<Self, Errno> {
        let null = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let low = || fcntl_dupfd_cloexec(&null, 3);
        Ok(Self { stdout: low()?, stderr: low()?, record: low()?, null: low()? })
    }

    fn fill(&mut self, files: &Handover<'_>) -> Result<(), Errno> {
        dup3(files.stdout, &mut self.stdout, DupFlags::CLOEXEC)?;
        dup3(files.stderr, &mut self.stderr, DupFlags::CLOEXEC)?;
        dup3(files.record, &mut self.record, DupFlags::CLOEXEC)
    }

    /// Lets go of what was handed over: the record's lock must not outlive the record.
    fn empty(&mut self) -> Result<(), Errno> {
        dup3(&self.null, &mut self.stdout, DupFlags::CLOEXEC)?;
        dup3(&self.null, &mut self.stderr, DupFlags::CLOEXEC)?;
        dup3(&self.null, &mut self.record, DupFlags::CLOEXEC)
    }
}

/// What a child gets.
pub struct Handover<'a> {
    pub stdout: BorrowedFd<'a>,
    pub stderr: BorrowedFd<'a>,
    pub record: BorrowedFd<'a>,
}

/// The same in low slots, until dropped.
pub struct Filled(Option<Slots>);

impl Filled {
    /// Puts `files` into a set of slots.
    pub fn new(files: &Handover<'_>) -> Result<Self, Errno> {
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let slots = match idle {
            Some(slots) => slots,
            None => Slots::reserve()?,
        };
        let mut filled = Self(Some(slots));
        if let Some(slots) = &mut filled.0 {
            slots.fill(files)?;
        }
        Ok(filled)
    }

    /// The descriptors' numbers.
    pub fn numbers(&self) -> Numbers {
        let number =
            |of: fn(&Slots) -> &OwnedFd| self.0.as_ref().map_or(-1, |slots| of(slots).as_fd().as_raw_fd());
        let (null, stdout) = (number(|slots| &slots.null), number(|slots| &slots.stdout));
        let (stderr, record) = (number(|slots| &slots.stderr), number(|slots| &slots.record));
        Numbers { null, stdout, stderr, record, failures: None }
    }
}

impl Drop for Filled {
    fn drop(&mut self) {
        // A set that cannot be emptied is closed, which lets go as well.
        if let Some(mut slots) = self.0.take()
            && slots.empty().is_ok()
        {
            IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(slots);
        }
    }
}

/// The slots as a child sees them.
#[derive(Clone, Copy)]
pub struct Numbers {
    pub null: RawFd,
    pub stdout: RawFd,
    pub stderr: RawFd,
    pub record: RawFd,
    /// Where a child that shares no memory tells why there is no program. In no slot: it has a copy of the whole table.
    pub failures: Option<RawFd>,
}

impl Numbers {
    /// The highest descriptor that the child needs.
    pub fn highest(&self) -> RawFd {
        self.null.max(self.stdout).max(self.stderr).max(self.record).max(self.failures.unwrap_or(-1))
    }
}
