//! Judging a registry lock, and breaking one whose holder is dead.
//!
//! Two breakers never both win. Breaking means removing the very file that was judged, never taking it
//! over; whoever wants the lock then competes for it like everybody. Breakers take turns by an OS lock,
//! and each looks again under it: what it removes is still the dead holder's, because a new lock can
//! appear only after the old one was removed.

use super::holder::{Holder, look_up};
use super::{LifeLock, LockHolder};
use crate::clock;
use crate::files::{self, FileError, Stamp, remove_if_there};
use crate::layout::Layout;
use crate::process::Process;
use process_monitor_core::time::Wall;
use std::fs::Metadata;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A lock that cannot be read may be one that another implementation is just writing; after this long
/// it is not.
const UNREADABLE_IS_STALE_AFTER: Duration = Duration::from_secs(10);
/// The system tells a process's start to one tick (10 ms) and we compute with milliseconds.
const CLOCK_GRANULARITY: Duration = Duration::from_millis(100);
/// How long to leave another breaker alone.
const BREAKERS_TURN: Duration = Duration::from_millis(20);
const LOCK_MAX_BYTES: u64 = 64 << 10;

/// A lock file as it was found.
pub(super) struct SeenLock {
    content: Vec<u8>,
    metadata: Metadata,
    stamp: Stamp,
    /// Who holds it, when the content can be read.
    pub holder: Option<LockHolder>,
}

/// What to do about a lock that somebody has.
pub(super) enum Verdict {
    /// Wait, until it is released or the `holder` ends, but at most this long.
    Held { holder: Option<Process>, at_most: Duration },
    /// Its holder is dead.
    Stale,
}

impl SeenLock {
    /// The lock at `path`; `None` when there is none.
    pub fn read(path: &Path) -> Result<Option<Self>, FileError> {
        match Self::read_existing(path) {
            Ok(seen) => Ok(Some(seen)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read_existing(path: &Path) -> Result<Self, FileError> {
        let (file, metadata) = files::open_regular(path)?;
        let stamp = Stamp::of(&file).map_err(FileError::os("look at", path))?;
        let content = files::read_open(file, path, LOCK_MAX_BYTES)?;
        let holder = serde_json::from_slice(&content).ok();
        Ok(Self { content, metadata, stamp, holder })
    }

    /// Whether its holder still lives.
    pub fn judge(&self) -> Verdict {
        match &self.holder {
            Some(holder) => self.judge_holder(holder),
            None => self.judge_age(),
        }
    }

    fn judge_holder(&self, holder: &LockHolder) -> Verdict {
        let Holder::Running { started, process } = look_up(holder.pid) else { return Verdict::Stale };
        let locked_at = holder.locked_at().unwrap_or_else(|| self.written_at());
        if started.is_some_and(|started| started.since(locked_at) > CLOCK_GRANULARITY) {
            return Verdict::Stale;
        }
        let at_most = if process.is_some() { Duration::MAX } else { BREAKERS_TURN };
        Verdict::Held { holder: process, at_most }
    }

    fn judge_age(&self) -> Verdict {
        let age = clock::wall().since(self.written_at());
        match UNREADABLE_IS_STALE_AFTER.checked_sub(age) {
            Some(left) if !left.is_zero() => Verdict::Held { holder: None, at_most: left },
            _ => Verdict::Stale,
        }
    }

    fn written_at(&self) -> Wall {
        let modified = self.metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let since = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Wall::from_unix_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn is_same_as(&self, other: &Self) -> bool {
        self.stamp == other.stamp && self.content == other.content
    }
}

/// Removes the lock that was `judged` stale, unless somebody else is at it or it has changed. Returns
/// how long to wait before looking again.
pub(super) fn break_lock(layout: &Layout, judged: &SeenLock) -> Result<Duration, FileError> {
    let Some(_turn) = LifeLock::try_acquire(&layout.breaker_lock())? else { return Ok(BREAKERS_TURN) };
    let path = layout.registry_lock();
    let Some(now) = SeenLock::read(&path)? else { return Ok(Duration::ZERO) };
    if !now.is_same_as(judged) || !matches!(now.judge(), Verdict::Stale) {
        return Ok(Duration::ZERO);
    }
    if !remove_if_there(&path).map_err(FileError::os("remove the stale lock", &path))? {
        return Ok(Duration::ZERO);
    }
    tracing::warn!(lock = %path.display(), holder = %describe(now.holder.as_ref()), "broke a stale registry lock");
    remove_what_it_left(layout);
    Ok(Duration::ZERO)
}

/// For people: who holds a lock.
pub(super) fn describe(holder: Option<&LockHolder>) -> String {
    holder.map_or_else(|| "an unknown program (the lock cannot be read)".to_owned(), LockHolder::to_string)
}

/// A writer that died with the lock may have died with a half-written file.
fn remove_what_it_left(layout: &Layout) {
    for target in [layout.registry(), layout.registry_lock_source()] {
        if let Err(error) = files::remove_leftovers(&target) {
            tracing::warn!(%error, "cannot remove what a killed writer of the registry left");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use process_monitor_core::id::InstanceId;
    use std::fs;

    const DEAD: &str =
        r#"{"lockedBy":"x","lockedAt":"2026-01-24T10:30:00.000Z","pid":4294967295,"operation":""}"#;

    fn directory_with_a_lock(content: &str) -> (tempfile::TempDir, Layout) {
        let folder = tempfile::TempDir::new().unwrap();
        let layout = Layout::new(folder.path(), InstanceId::default());
        files::private_dir(&layout.state()).unwrap();
        fs::write(layout.registry_lock(), content).unwrap();
        (folder, layout)
    }

    fn seen(layout: &Layout) -> SeenLock {
        SeenLock::read(&layout.registry_lock()).unwrap().unwrap()
    }

    /// [`break_lock`], when nobody else breaks one. What is forked meanwhile by another test holds whatever we held until its exec (flock(2)).
    fn break_alone(layout: &Layout, judged: &SeenLock) {
        while break_lock(layout, judged).unwrap() > Duration::ZERO {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_lock_that_changed_after_it_was_judged_is_left_alone() {
        let (_folder, layout) = directory_with_a_lock(DEAD);
        let judged = seen(&layout);
        assert!(matches!(judged.judge(), Verdict::Stale));
        // Stale too, but another one: the judged one was broken by somebody else meanwhile.
        fs::remove_file(layout.registry_lock()).unwrap();
        fs::write(layout.registry_lock(), DEAD.replace('x', "y")).unwrap();
        break_alone(&layout, &judged);
        assert_eq!(seen(&layout).holder.unwrap().locked_by, "y");
        break_alone(&layout, &seen(&layout));
        assert!(SeenLock::read(&layout.registry_lock()).unwrap().is_none());
        // Nothing left to break.
        break_alone(&layout, &judged);
    }

    #[test]
    fn breakers_take_turns() {
        let (_folder, layout) = directory_with_a_lock(DEAD);
        let other = LifeLock::try_acquire(&layout.breaker_lock()).unwrap().unwrap();
        assert_eq!(break_lock(&layout, &seen(&layout)).unwrap(), BREAKERS_TURN);
        assert!(layout.registry_lock().exists());
        drop(other);
        break_alone(&layout, &seen(&layout));
        assert!(!layout.registry_lock().exists());
    }
}
