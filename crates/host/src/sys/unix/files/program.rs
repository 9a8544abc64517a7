//! The file of a program, perhaps of one that runs: it can be renamed over, and who runs it keeps what he has.

use super::remove_file;
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// Gives the program at `target` a second name, in place of what has that. It keeps its own.
///
/// # Errors
/// What the system said.
pub fn keep_program(target: &Path, previous: &Path) -> io::Result<()> {
    let mut new = OsString::from(previous);
    new.push(".new");
    match remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Where there are no hard links, a copy will do.
    fs::hard_link(target, &new).or_else(|_| fs::copy(target, &new).map(drop))?;
    fs::rename(&new, previous)
}

/// Renames the program at `from` to `target`, in place of what is there.
///
/// # Errors
/// What the system said.
pub fn replace_program(from: &Path, target: &Path) -> io::Result<()> {
    fs::rename(from, target)
}
