//! `{instance}_state/leaving.json`: written by a monitor whose end is wanted, before anything is stopped. A monitor
//! that died without it was cut off.

use super::Owner;
use crate::files::{self, Durability, FileError};
use crate::layout::Layout;
use crate::process::BootId;
use process_monitor_core::partner::Farewell;
use serde::{Deserialize, Serialize};
use std::io;

const MAX_BYTES: u64 = 16 * 1024;

/// In characters.
const LONGEST_REASON: usize = 1000;

/// A farewell, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Who leaves.
    #[serde(flatten)]
    pub owner: Owner,
    /// What for.
    #[serde(with = "Written")]
    pub farewell: Farewell,
    /// Why not everything that it had to say of its processes is in the registry, if so; in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsaved: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Farewell", rename_all = "camelCase")]
enum Written {
    Stop,
    Alone,
}

/// Leaves word that `owner`, the monitor of `layout`'s instance, is to be let go.
///
/// # Errors
/// When the file cannot be written.
pub fn leave(layout: &Layout, owner: Owner, farewell: Farewell) -> Result<(), FileError> {
    write(layout, &Word { owner, farewell, unsaved: None })
}

/// Leaves word that `owner` has stopped, and `why` the registry is older than that.
///
/// # Errors
/// When the file cannot be written.
pub fn leave_unsaved(layout: &Layout, owner: Owner, why: &str) -> Result<(), FileError> {
    let unsaved = Some(why.chars().take(LONGEST_REASON).collect());
    write(layout, &Word { owner, farewell: Farewell::Stop, unsaved })
}

fn write(layout: &Layout, word: &Word) -> Result<(), FileError> {
    let path = layout.farewell();
    let text = serde_json::to_vec(word)
        .map_err(|why| FileError::not_written("put it in words", &path)(why.into()))?;
    files::write_atomic(&path, &text, Durability::Unsynced)
}

/// What the last monitor of `layout`'s instance left word of in this boot.
pub fn read(layout: &Layout) -> Option<Word> {
    let text = files::read_bounded(&layout.farewell(), MAX_BYTES).ok()?;
    let word: Word = serde_json::from_slice(&text).ok()?;
    BootId::current().is_ok_and(|boot| boot == word.owner.boot_id).then_some(word)
}

/// Takes it back: for a monitor that begins, and for one that starts another although that was stopped.
///
/// # Errors
/// When the file cannot be removed.
pub fn take_back(layout: &Layout) -> io::Result<()> {
    files::remove_if_there(layout.farewell()).map(drop)
}
