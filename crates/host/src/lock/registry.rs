//! The lock file of SPEC 3.4: one read-modify-write of the registry at a time, among all programs.

use super::LockHolder;
use super::release::Release;
use super::stale::{SeenLock, Verdict, break_lock, describe};
use crate::files::{self, FileError, FileId, Temporary};
use crate::layout::Layout;
use crate::sys::files as sys;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long to wait for the registry's lock, unless there is a reason for another time.
pub const REGISTRY_LOCK_WAIT: Duration = Duration::from_secs(5);

/// Why the registry's lock was not had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody held it all the time.
    #[error(
        "cannot lock the registry to {operation}: gave up after {} ms, {} is held by {}; if that program \
         hangs, end it: its lock is then broken by the next one who needs it",
        waited.as_millis(),
        lock.display(),
        describe(holder.as_deref())
    )]
    Timeout {
        /// What the lock was wanted for.
        operation: String,
        /// The lock file.
        lock: PathBuf,
        /// How long it was waited for.
        waited: Duration,
        /// Who held it last; `None` when the lock says nothing readable.
        holder: Option<Box<LockHolder>>,
    },
    /// The lock file or its folder can't be used.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The right to change the registry, until it is dropped. Hold it for one read-modify-write.
#[derive(Debug)]
pub struct RegistryLock {
    path: PathBuf,
    // Kept open, so that no other file can get our file's inode number, by which we know it.
    file: File,
}

impl RegistryLock {
    /// Takes the lock of `layout`'s registry for `operation` (a verb with its object, shown to those who
    /// wait), breaking it where its holder is dead. Waits up to `wait`; see [`REGISTRY_LOCK_WAIT`].
    /// Creates the private state folder, but not the directory's own.
    pub fn acquire(layout: &Layout, operation: &str, wait: Duration) -> Result<Self, LockError> {
        files::private_dir(&layout.state())?;
        if let Some(lock) = Self::try_acquire(layout, operation)? {
            return Ok(lock);
        }
        Self::acquire_waiting(layout, operation, wait)
    }

    fn acquire_waiting(layout: &Layout, operation: &str, wait: Duration) -> Result<Self, LockError> {
        let asked = Instant::now();
        let path = layout.registry_lock();
        let release = Release::watch(&path);
        loop {
            let left = wait.saturating_sub(asked.elapsed());
            let seen = match SeenLock::read(&path)? {
                Some(seen) => seen,
                None => match Self::try_acquire(layout, operation)? {
                    Some(lock) => return Ok(lock),
                    None if left.is_zero() => return Err(timeout(operation, path, asked, None)),
                    None => continue,
                },
            };
            let (holder, at_most) = match seen.judge() {
                Verdict::Held { holder, at_most } => (holder, at_most),
                Verdict::Stale => (None, break_lock(layout, &seen)?),
            };
            if at_most.is_zero() {
                continue;
            }
            if left.is_zero() {
                return Err(timeout(operation, path, asked, seen.holder));
            }
            release.wait(holder.as_ref(), at_most.min(left));
        }
    }

    /// `None`: the lock exists already.
    fn try_acquire(layout: &Layout, operation: &str) -> Result<Option<Self>, FileError> {
        let path = layout.registry_lock();
        match create_lock(layout, operation) {
            Ok(file) => Ok(Some(Self { path, file })),
            Err(reason) if reason.kind() == ErrorKind::AlreadyExists => Ok(None),
            Err(reason) => Err(FileError::os("create the lock", &path)(reason)),
        }
    }

    /// Whether the lock is still ours. A program that doesn't follow the protocol may have broken it: look
    /// before writing after a long time.
    pub fn is_held(&self) -> bool {
        match (FileId::at(&self.path), FileId::of(&self.file)) {
            (Ok(there), Ok(ours)) => there == ours,
            _ => false,
        }
    }
}

impl Drop for RegistryLock {
    fn drop(&mut self) {
        if !self.is_held() {
            tracing::warn!(lock = %self.path.display(), "somebody else broke our registry lock while we held it");
            return;
        }
        if let Err(reason) = sys::remove_file(&self.path) {
            tracing::error!(lock = %self.path.display(), %reason, "cannot release the registry lock");
        }
    }
}

/// Written elsewhere and then linked, so that nobody ever sees a lock without its content.
fn create_lock(layout: &Layout, operation: &str) -> io::Result<File> {
    let temporary = Temporary::create_for(&layout.registry_lock_source())?;
    let content = serde_json::to_vec_pretty(&LockHolder::this_process(operation))?;
    temporary.file().write_all(&content)?;
    temporary.link_to(&layout.registry_lock())
}

fn timeout(operation: &str, lock: PathBuf, asked: Instant, holder: Option<LockHolder>) -> LockError {
    LockError::Timeout {
        operation: operation.to_owned(),
        lock,
        waited: asked.elapsed(),
        holder: holder.map(Box::new),
    }
}
