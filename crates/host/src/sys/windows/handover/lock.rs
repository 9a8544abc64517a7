//! The instance's lock. The system gives locks to processes (`LockFileEx`), so it cannot be handed over: it is released when the
//! heir has everything else, and the heir takes it, while nobody else has a reason to want it.

use super::gift::{Gift, Heir, Heritable};
use crate::fd::OwnedFd;
use crate::handover::Heirloom;
use crate::sys::windows::object::done;
use std::fs::{File, TryLockError};
use std::io;
use std::os::windows::io::AsRawHandle;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};
use windows_sys::Win32::System::Threading::SetEvent;

/// How long the lock is tried for.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);

/// Between two tries: nothing tells that it is free.
const BETWEEN_TRIES: Duration = Duration::from_millis(5);

/// The lock on `file`, for the monitor that follows.
pub fn offer(file: File) -> Heirloom {
    Arc::new(Offered(Mutex::new(Some(file))))
}

struct Offered(Mutex<Option<File>>);

impl Heritable for Offered {
    fn give(&self, heir: &Heir<'_>) -> io::Result<Gift> {
        let herald = heir.herald()?;
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
        Ok(herald)
    }
}

/// Tells the predecessor that everything is taken over.
#[derive(Debug)]
pub struct Herald(OwnedFd);

impl Herald {
    /// Tells it, which ends the predecessor.
    pub fn tell(self) {
        // SAFETY: it is an event that the predecessor has opened in this process.
        if let Err(error) = done(unsafe { SetEvent(self.0.as_raw_handle()) }) {
            tracing::warn!(%error, "the monitor before was not told that this one has taken over");
        }
    }
}

/// The lock that a predecessor offered by `offered`; `open` opens its file. `None`: somebody else has taken it.
///
/// # Errors
/// When its file cannot be opened.
pub fn locked<E>(
    offered: OwnedFd,
    open: impl FnOnce() -> Result<File, E>,
) -> Result<Option<(File, Herald)>, E> {
    let asked = Instant::now();
    let file = open()?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some((file, Herald(offered)))),
            Err(TryLockError::WouldBlock) if asked.elapsed() < TAKEN_WITHIN => sleep(BETWEEN_TRIES),
            Err(_) => return Ok(None),
        }
    }
}
