//! `restart_{instance}.signal` in the directory: a way to ask for a restart that needs nothing but a file (SPEC 4.7).

use super::Handle;
use process_monitor_host::files;
use process_monitor_host::layout::Layout;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// The file, before anybody obeys it.
pub struct SignalFile {
    path: PathBuf,
    changed: Arc<Notify>,
}

/// Obeys the file until this is dropped.
pub struct Obeyed(JoinHandle<()>);

impl SignalFile {
    /// One that is there already asked for a monitor that is gone; it is removed.
    pub fn new(layout: &Layout) -> Self {
        let path = layout.restart_signal();
        take(&path);
        Self { path, changed: Arc::default() }
    }

    /// To be called whenever the file may have changed, also before it is obeyed.
    pub fn on_change(&self) -> impl Fn() + Send + 'static {
        let changed = Arc::clone(&self.changed);
        move || changed.notify_one()
    }

    /// Begins to obey.
    pub fn obey(self, handle: Handle) -> Obeyed {
        let Self { path, changed } = self;
        // Whoever wrote it before anybody watched is obeyed, too.
        changed.notify_one();
        Obeyed(tokio::spawn(async move {
            loop {
                changed.notified().await;
                // What came of it is in the log.
                if take(&path) {
                    drop(handle.restart().await);
                }
            }
        }))
    }
}

impl Drop for Obeyed {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Removes the file; whether it was there.
fn take(path: &Path) -> bool {
    files::remove_if_there(path).unwrap_or_else(|error| {
        tracing::error!("cannot remove {}: {error}; it is not obeyed", path.display());
        false
    })
}
