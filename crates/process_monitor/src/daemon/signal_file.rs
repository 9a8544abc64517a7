//! `restart_{instance}.signal` in the directory: a way to ask for a restart that needs nothing but a file (SPEC 4.7).

use super::Handle;
use process_monitor_host::layout::Layout;
use process_monitor_host::watch::FileWatch;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Obeys the file until this is dropped. One that is there already asked for a monitor that is gone.
pub struct SignalFile {
    _watch: FileWatch,
    obeying: JoinHandle<()>,
}

impl SignalFile {
    /// Begins to obey. Without the system's notification the file is not obeyed, which is said.
    pub fn obey(layout: &Layout, handle: Handle) -> Option<Self> {
        let path = layout.restart_signal();
        take(&path);
        let changed = Arc::new(Notify::new());
        let notify = Arc::clone(&changed);
        let watch = FileWatch::new(&path, move || notify.notify_one());
        let watch = watch.inspect_err(|error| tracing::warn!("{} is not obeyed: {error}", path.display()));
        let obeying = async move {
            loop {
                changed.notified().await;
                // What came of it is in the log.
                if take(&path) {
                    drop(handle.restart().await);
                }
            }
        };
        Some(Self { _watch: watch.ok()?, obeying: tokio::spawn(obeying) })
    }
}

impl Drop for SignalFile {
    fn drop(&mut self) {
        self.obeying.abort();
    }
}

/// Removes the file; whether it was there.
fn take(path: &Path) -> bool {
    match fs::remove_file(path) {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => {
            tracing::error!("cannot remove {}: {error}; it is not obeyed", path.display());
            false
        }
    }
}
