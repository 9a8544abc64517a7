//! Tells a clean end from any other.
//!
//! The marker is there while a monitor supervises: written once what is wanted up is saved, removed
//! when a wanted end begins. A monitor that finds one of this boot goes on where the last one was cut
//! off; without one it begins anew, and `autostart` decides.

use process_monitor_host::files::{self, Durability, FileError};
use process_monitor_host::layout::Layout;
use process_monitor_host::process::BootId;
use std::io;

const MAX_BYTES: u64 = 4096;

/// Whether a monitor of this boot was cut off.
pub fn is_set(layout: &Layout, boot: &BootId) -> bool {
    let text = files::read_bounded(&layout.supervising(), MAX_BYTES).ok();
    text.and_then(|text| serde_json::from_slice::<BootId>(&text).ok()).as_ref() == Some(boot)
}

/// Says that a monitor supervises from now on.
///
/// # Errors
/// When the file cannot be written.
pub fn set(layout: &Layout, boot: &BootId) -> Result<(), FileError> {
    let text = serde_json::to_vec(boot).unwrap_or_default();
    files::write_atomic(&layout.supervising(), &text, Durability::Unsynced)
}

/// Says that what is up is about to be stopped, and that this is wanted.
///
/// # Errors
/// When the file cannot be removed.
pub fn clear(layout: &Layout) -> io::Result<()> {
    files::remove_if_there(layout.supervising()).map(drop)
}
