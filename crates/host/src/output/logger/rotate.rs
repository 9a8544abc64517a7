//! Rotation inside a run: `stdout.log` → `stdout.1.log` → `stdout.2.log` …
//!
//! Renames go from the oldest file to the newest, so that no step replaces a file that is to be kept.
//! A logger that dies between two of them leaves a gap in the numbers, which the next rotation fills.
//! The times of a log file go before it, so that none replaces another; they know whose they are, and are
//! found when a death left them ahead.

use super::super::names::Stream;
use crate::files::remove_if_there;
use crate::sys::files::rename;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// Frees the name of the current file and keeps `keep` files at most, the coming one included.
pub(super) fn rotate(folder: &Path, stream: Stream, keep: u32) -> io::Result<()> {
    let keep = keep.max(1);
    remove_from(folder, stream, keep)?;
    if keep == 1 {
        return remove(folder, stream, 0);
    }
    for index in (1..=free_index(folder, stream, keep - 1)).rev() {
        absent_is_fine(rename(stream.times(folder, index - 1), stream.times(folder, index)))?;
        crate::crash_point!("rotate::after_times");
        absent_is_fine(rename(stream.file(folder, index - 1), stream.file(folder, index)))?;
        crate::crash_point!("rotate::between_renames");
    }
    Ok(())
}

/// The smallest index that no file has, or `last`, whose file is the one to go.
fn free_index(folder: &Path, stream: Stream, last: u32) -> u32 {
    (1..last).find(|index| fs::symlink_metadata(stream.file(folder, *index)).is_err()).unwrap_or(last)
}

/// Removes what a larger `keepFiles` left.
fn remove_from(folder: &Path, stream: Stream, first: u32) -> io::Result<()> {
    for index in first.. {
        if fs::symlink_metadata(stream.file(folder, index)).is_err() {
            break;
        }
        remove(folder, stream, index)?;
    }
    Ok(())
}

/// Removes a log file and its times.
fn remove(folder: &Path, stream: Stream, index: u32) -> io::Result<()> {
    remove_if_there(stream.file(folder, index))?;
    remove_if_there(stream.times(folder, index)).map(drop)
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(folder: &Path) -> Vec<(u32, String)> {
        let mut found: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter_map(|entry| {
                let index = Stream::Stdout.index_of(entry.file_name().to_str()?)?;
                Some((index, fs::read_to_string(entry.path()).unwrap()))
            })
            .collect();
        found.sort();
        found
    }

    fn folder_with(files: &[(u32, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (index, text) in files {
            fs::write(Stream::Stdout.file(folder.path(), *index), text).unwrap();
        }
        folder
    }

    #[test]
    fn files_move_up_and_the_oldest_goes() {
        type Files<'a> = &'a [(u32, &'a str)];
        let table: [(Files, u32, Files); 6] = [
            (&[(0, "a")], 5, &[(1, "a")]),
            (&[(0, "b"), (1, "a")], 2, &[(1, "b")]),
            (&[(0, "c"), (1, "b"), (2, "a")], 3, &[(1, "c"), (2, "b")]),
            // A gap that a crash left is filled before anything is lost.
            (&[(0, "c"), (2, "b"), (3, "a")], 4, &[(1, "c"), (2, "b"), (3, "a")]),
            // keepFiles was made smaller.
            (&[(0, "d"), (1, "c"), (2, "b"), (3, "a")], 2, &[(1, "d")]),
            (&[(0, "a")], 0, &[]),
        ];
        for (before, keep, after) in table {
            let folder = folder_with(before);
            rotate(folder.path(), Stream::Stdout, keep).unwrap();
            let after: Vec<_> = after.iter().map(|(index, text)| (*index, (*text).to_owned())).collect();
            assert_eq!(contents(folder.path()), after, "{before:?} keep {keep}");
        }
    }
}
