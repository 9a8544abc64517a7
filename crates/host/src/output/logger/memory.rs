//! What a logger must know again after its own death: one file per run beside its FIFOs.
//!
//! A monitor attaches its live runs anew, but it doesn't know of an earlier run whose grandchild
//! still prints. Without this, that grandchild would block for good once both had been restarted.

use crate::files::{FileError, remove_if_there};
use crate::layout::Layout;
use crate::output::error::failed;
use crate::output::protocol::Attach;
use crate::sys::files::rename;
use process_monitor_core::id::RunId;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

const SUFFIX: &str = ".attach.json";
/// A file that is being written. There is one logger, so one name per run is enough.
const UNFINISHED: &str = ".attach.new";
/// The same of a monitor. It ends likewise, so that it is removed likewise when it is left.
const UNFINISHED_BY_MONITOR: &str = ".monitor.attach.new";

/// Writes down that `attach` is being copied, in one step: a kill must not make the next logger
/// forget what this one knew.
pub(super) fn remember(layout: &Layout, attach: &Attach) -> Result<(), FileError> {
    write_down(layout, attach, UNFINISHED, || {
        crate::crash_point!("remember::before_rename");
    })
}

/// For the next logger, by a monitor that may not live to tell it. One that comes when the output is gone finds
/// nothing to copy, and forgets it.
///
/// # Errors
/// When the file cannot be written.
pub fn leave_word(layout: &Layout, attach: &Attach) -> Result<(), FileError> {
    write_down(layout, attach, UNFINISHED_BY_MONITOR, || {})
}

fn write_down(
    layout: &Layout,
    attach: &Attach,
    unfinished: &str,
    before_rename: impl FnOnce(),
) -> Result<(), FileError> {
    let path = path(layout, &attach.run, SUFFIX);
    let unfinished = self::path(layout, &attach.run, unfinished);
    let text = serde_json::to_vec(attach).map_err(failed("write", &path))?;
    match fs::write(&unfinished, text) {
        // No folder, hence no FIFO: the run is over.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        result => result.map_err(failed("write", &unfinished))?,
    }
    before_rename();
    rename(&unfinished, &path).map_err(failed("put in place", &path))
}

/// The run is over.
pub(super) fn forget(layout: &Layout, run: &RunId) {
    if let Err(error) = remove_if_there(path(layout, run, SUFFIX)) {
        tracing::warn!("cannot remove the record of run {run}: {error}");
    }
}

/// What was being copied when the last logger ended.
pub(super) fn recall(layout: &Layout) -> Vec<Attach> {
    let Ok(entries) = fs::read_dir(layout.fifos()) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(SUFFIX) {
            match fs::read(&path)
                .map_err(serde_json::Error::io)
                .and_then(|text| serde_json::from_slice(&text))
            {
                Ok(attach) => found.push(attach),
                Err(error) => tracing::warn!("skipping {}: {error}", path.display()),
            }
        } else if name.ends_with(UNFINISHED)
            && let Err(error) = remove_if_there(&path)
        {
            tracing::warn!("cannot remove {}: {error}", path.display());
        }
    }
    found
}

fn path(layout: &Layout, run: &RunId, suffix: &str) -> PathBuf {
    layout.fifos().join(format!("{run}{suffix}"))
}
