//! Words of a command line, which may be any bytes.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What words consist of.
pub type Unit = u8;

/// All units of a word.
pub fn units(word: &OsStr) -> Vec<Unit> {
    word.as_bytes().to_vec()
}

/// The word of these units.
pub fn word(units: Vec<Unit>) -> OsString {
    OsString::from_vec(units)
}
