//! Waiting for a registry lock to be released, or for its holder to die.

use crate::fd::AsFd;
use crate::process::Process;
use crate::sys::folders::FolderEvents;
use crate::sys::terms::FolderInterest;
use crate::sys::wait;
use std::io;
use std::path::Path;
use std::time::Duration;

/// How often to look when the system doesn't notify: watches are limited per user.
const WITHOUT_NOTIFICATION: Duration = Duration::from_millis(20);

/// Notices that a file disappears from its folder.
pub(super) struct Release(Option<FolderEvents>);

impl Release {
    /// Watches from now on: look at the lock after this and before waiting, or a release is missed.
    pub fn watch(lock: &Path) -> Self {
        Self(Self::events(lock).ok())
    }

    fn events(lock: &Path) -> io::Result<FolderEvents> {
        let folder = lock.parent().unwrap_or(Path::new("."));
        let events = FolderEvents::new()?;
        events.watch(folder, FolderInterest { goes: true, ..FolderInterest::default() })?;
        Ok(events)
    }

    /// Returns when something was removed, when `holder` ended, or after `at_most`; possibly
    /// earlier.
    pub fn wait(&self, holder: Option<&Process>, at_most: Duration) {
        let at_most = if self.0.is_some() { at_most } else { at_most.min(WITHOUT_NOTIFICATION) };
        let events = self.0.as_ref().map(AsFd::as_fd);
        let descriptors = events.into_iter().chain(holder.map(AsFd::as_fd));
        let watched: Vec<_> = descriptors.collect();
        if let Err(error) = wait::any(&watched, Some(at_most)) {
            tracing::debug!("cannot wait for the release of a lock: {error}");
            std::thread::sleep(at_most.min(WITHOUT_NOTIFICATION));
        }
        if let Some(events) = &self.0
            && let Err(error) = events.drain(|_| {})
        {
            tracing::debug!("cannot read what happened beside a lock: {error}");
        }
    }
}
