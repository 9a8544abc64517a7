//! What a logger must know again after its own death: one file per run beside its FIFOs.
//!
//! A monitor attaches its live runs anew, but it doesn't know of an earlier run whose grandchild
//! still prints. Without this, that grandchild would block for good once both had been restarted.

use crate::files::{FileError, create_folders};
use crate::layout::Layout;
use crate::output::error::failed;
use crate::output::protocol::Attach;
use process_monitor_core::id::RunId;
use std::fs;
use std::path::PathBuf;

const SUFFIX: &str = ".attach.json";

/// Writes down that `attach` is being copied. A kill halfway leaves a file that isn't read: then
/// the monitor has just asked for it, and will again.
pub(super) fn remember(layout: &Layout, attach: &Attach) -> Result<(), FileError> {
    create_folders(&layout.fifos())?;
    let path = path(layout, &attach.run);
    let text = serde_json::to_vec(attach).map_err(failed("write", &path))?;
    fs::write(&path, text).map_err(failed("write", &path))
}

/// The run is over.
pub(super) fn forget(layout: &Layout, run: &RunId) {
    if let Err(error) = fs::remove_file(path(layout, run))
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!("cannot remove the record of run {run}: {error}");
    }
}

/// What was being copied when the last logger ended.
pub(super) fn recall(layout: &Layout) -> Vec<Attach> {
    let Ok(entries) = fs::read_dir(layout.fifos()) else { return Vec::new() };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.ends_with(SUFFIX)))
        .filter_map(|entry| serde_json::from_slice(&fs::read(entry.path()).ok()?).ok())
        .collect()
}

fn path(layout: &Layout, run: &RunId) -> PathBuf {
    layout.fifos().join(format!("{run}{SUFFIX}"))
}
