//! Being the one logger of an instance, and being found.

use super::LoggerError;
use crate::files::create_folders;
use crate::layout::Layout;
use crate::lock::LifeLock;
use crate::output::error::failed;
use crate::sys::local::{LocalListener, LocalStream};
use std::fs::File;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// How long a dying logger may keep the lock.
const HANDOVER: Duration = Duration::from_secs(2);

/// Takes the lock; `None` when another logger serves this instance.
pub(super) fn acquire(layout: &Layout) -> Result<Option<LifeLock>, LoggerError> {
    create_folders(&layout.state())?;
    let path = layout.logger_lock();
    if let Some(lock) = LifeLock::try_acquire(&path)? {
        return Ok(Some(lock));
    }
    if LocalStream::connect(&layout.logger_socket()).is_ok() || !wait_for(&path) {
        return Ok(None);
    }
    Ok(LifeLock::try_acquire(&path)?)
}

/// Waits until nobody holds the lock. flock(2) knows no timeout, hence the thread; when it is too
/// late, this process ends and the thread with it.
fn wait_for(lock: &Path) -> bool {
    let Ok(file) = File::open(lock) else { return false };
    let (sender, released) = mpsc::channel();
    let waiting = std::thread::Builder::new().spawn(move || {
        let free = file.lock().is_ok();
        // Before it is said, or we would be in our own way.
        drop(file);
        // Nobody listens any more when it took too long.
        let _ = sender.send(free);
    });
    waiting.is_ok() && released.recv_timeout(HANDOVER).unwrap_or(false)
}

/// Where the monitor connects. It appears only when it listens, so that who finds it can; one that a killed logger left is
/// replaced.
pub(super) fn listener(layout: &Layout) -> Result<LocalListener, LoggerError> {
    let path = layout.logger_socket();
    Ok(LocalListener::bind(&path).map_err(failed("listen on", &path))?)
}
