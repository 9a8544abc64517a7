//! The file of a program, perhaps of one that runs: that can be renamed, but neither removed nor replaced, because it is mapped.

use super::replace::{remove_file, rename};
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Renames the program at `target` to `previous`, in place of what has that name.
///
/// # Errors
/// What the system said.
pub fn keep_program(target: &Path, previous: &Path) -> io::Result<()> {
    clear(previous)?;
    rename(target, previous)
}

/// Renames the program at `from` to `target`, in place of what is there.
///
/// # Errors
/// What the system said; what was at `target` may have another name then.
pub fn replace_program(from: &Path, target: &Path) -> io::Result<()> {
    clear(target)?;
    rename(from, target)
}

/// Frees the name of a program: removes it, or, while it runs, renames it to `{name}.old.{number}`. Those of earlier times that run no
/// more are removed.
fn clear(path: &Path) -> io::Result<()> {
    // Without patience: one that runs is refused for as long as it does.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {}
        _ => return Ok(()),
    }
    let free = (1..).map(|number: u32| old(path, number)).find(|old| match fs::remove_file(old) {
        Err(error) => error.kind() == ErrorKind::NotFound,
        Ok(()) => true,
    });
    match free {
        Some(old) => rename(path, old),
        None => remove_file(path),
    }
}

fn old(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".old.{number}"));
    name.into()
}
