//! `{instance}_state/replacements.json`: when and why a monitor started its partner; the last few.

use crate::files::{self, Durability, FileError};
use crate::layout::Layout;
use process_monitor_core::time::Wall;
use serde::{Deserialize, Serialize};

/// How many are kept.
const KEPT: usize = 20;

const MAX_BYTES: u64 = 64 << 10;

/// One start of the partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replacement {
    /// When.
    pub at: Wall,
    /// Why, in words.
    pub why: String,
    /// The new monitor's process id; absent when the start failed.
    pub pid: Option<u32>,
    /// Why the start failed.
    pub error: Option<String>,
}

/// What `layout`'s monitor did for its partner, oldest first; what cannot be read counts as nothing.
pub fn read(layout: &Layout) -> Vec<Replacement> {
    let text = files::read_bounded(&layout.replacements(), MAX_BYTES).ok();
    text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// Adds one.
///
/// # Errors
/// When the file cannot be written.
pub fn add(layout: &Layout, replacement: Replacement) -> Result<(), FileError> {
    let mut all = read(layout);
    all.push(replacement);
    let too_many = all.len().saturating_sub(KEPT);
    all.drain(..too_many);
    let path = layout.replacements();
    let text = serde_json::to_vec_pretty(&all)
        .map_err(|why| FileError::not_written("put it in words", &path)(why.into()))?;
    files::write_atomic(&path, &text, Durability::Unsynced)
}
