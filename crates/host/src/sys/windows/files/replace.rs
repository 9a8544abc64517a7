//! Renaming, replacing and removing in spite of others who look at every file that changes: antivirus programs, indexers and
//! backups hold a file for some milliseconds, and the system refuses meanwhile.

use super::hint::is_held;
use super::open::{How, open};
use crate::files::{FileId, Stamp};
use crate::sys::names::wide;
use crate::sys::windows::object::done;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};
use windows_sys::Win32::Foundation::GENERIC_READ;
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_SHARE_DELETE, FILE_SHARE_READ, MoveFileExW, OPEN_EXISTING,
};

/// How long somebody else may hold a file before that counts as a failure.
const PATIENCE: Duration = Duration::from_secs(2);
/// The first wait; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_millis(1);
/// The longest one.
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// What became of a file that was to take a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code)] // two files cannot be exchanged here
pub enum Placed {
    /// It has the place, and its own name is gone.
    Moved,
    /// It has the place; what was there has its name.
    Exchanged,
    /// It has not.
    Not,
}

/// Renames a file, in place of what has that name.
///
/// # Errors
/// What the system said, if need be for as long as [`PATIENCE`].
pub fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    patiently(|| fs::rename(&from, &to))
}

/// Removes a file. Its name is free at once, also when somebody has it open.
///
/// # Errors
/// What the system said, if need be for as long as [`PATIENCE`].
pub fn remove_file(path: impl AsRef<Path>) -> io::Result<()> {
    patiently(|| fs::remove_file(&path))
}

/// Puts the file at `from` in place of `target` if what is there is `known` (see [`crate::files::replace_if`]). While it is looked
/// at nobody can write to it; what remains is the moment in which somebody else puts another file there.
///
/// # Errors
/// What the system said.
pub fn replace_if(
    from: &Path,
    _ours: FileId,
    target: &Path,
    known: &impl Fn(Option<&Stamp>) -> bool,
) -> io::Result<Placed> {
    let how = How {
        access: GENERIC_READ,
        share: FILE_SHARE_READ | FILE_SHARE_DELETE,
        creation: OPEN_EXISTING,
        flags: FILE_FLAG_OPEN_REPARSE_POINT,
    };
    let guard = match patiently(|| open(target, &how)) {
        Ok(guard) => guard,
        Err(error) if error.kind() == ErrorKind::NotFound => return move_unless_taken(from, target),
        Err(error) => return Err(error),
    };
    // What was opened may have lost its name since.
    if !known(Some(&Stamp::of(&guard)?)) || FileId::at(target)? != FileId::of(&guard)? {
        return Ok(Placed::Not);
    }
    if fs::rename(from, target).is_err() {
        // Not every file system replaces a file that somebody has open.
        drop(guard);
        rename(from, target)?;
    }
    Ok(Placed::Moved)
}

fn move_unless_taken(from: &Path, target: &Path) -> io::Result<Placed> {
    let (from, target) = (wide(from)?, wide(target)?);
    let moved = patiently(|| {
        // SAFETY: both names are null-terminated.
        done(unsafe { MoveFileExW(from.as_ptr(), target.as_ptr(), 0) })
    });
    match moved {
        Ok(()) => Ok(Placed::Moved),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Placed::Not),
        Err(error) => Err(error),
    }
}

/// Tries again while somebody else holds a file.
fn patiently<T>(attempt: impl Fn() -> io::Result<T>) -> io::Result<T> {
    let began = Instant::now();
    let mut wait = FIRST_WAIT;
    loop {
        match attempt() {
            Err(error) if is_held(&error) && began.elapsed() < PATIENCE => {}
            other => return other,
        }
        thread::sleep(wait);
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

#[cfg(test)]
mod tests {
    use super::super::open::SHARE_ALL;
    use super::*;

    fn hold(path: &Path, share: u32) -> fs::File {
        open(path, &How { access: GENERIC_READ, share, creation: OPEN_EXISTING, flags: 0 }).unwrap()
    }

    #[test]
    fn who_holds_a_file_for_a_moment_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (from, target) = (folder.path().join("from"), folder.path().join("target"));
        fs::write(&from, "new").unwrap();
        fs::write(&target, "old").unwrap();
        let held = hold(&target, FILE_SHARE_READ);
        let letting_go = thread::spawn(move || {
            thread::sleep(Duration::from_millis(200));
            drop(held);
        });
        rename(&from, &target).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        letting_go.join().unwrap();
    }

    #[test]
    fn a_file_that_is_read_can_be_replaced_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (from, target) = (folder.path().join("from"), folder.path().join("target"));
        fs::write(&target, "old").unwrap();
        let _reader = hold(&target, SHARE_ALL);
        if crate::emulated::left_out(
            "who has a file open keeps it from being replaced, and its name from being free",
        ) {
            return;
        }
        fs::write(&from, "new").unwrap();
        rename(&from, &target).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        remove_file(&target).unwrap();
        assert!(!target.exists());
        fs::write(&target, "another").unwrap();
    }
}
