//! Words of a command line, which may be any units of UTF-16.

use std::ffi::{OsStr, OsString};
use std::os::windows::ffi::{OsStrExt, OsStringExt};

/// What words consist of.
pub type Unit = u16;

/// All units of a word.
pub fn units(word: &OsStr) -> Vec<Unit> {
    word.encode_wide().collect()
}

/// The word of these units.
pub fn word(units: Vec<Unit>) -> OsString {
    OsString::from_wide(&units)
}
