//! Putting another program in the place of one, perhaps of one that runs.
//!
//! The file of a running program must not be written to (ETXTBSY), so the new one is made beside it and renamed: whoever
//! starts the program finds the old one or the new one, and who runs it keeps what he has. On Windows he who comes just then finds none:
//! there the old one has to be renamed first.

use crate::files::{Closed, FileError, FileKind, Stamp, Temporary};
use crate::sys::files as sys;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Appended to the name of a program: what was there before.
const PREVIOUS: &str = ".previous";

/// A program beside the one whose place it is to take. Dropped before that, it is removed.
#[derive(Debug)]
pub struct Candidate {
    file: Closed,
    target: PathBuf,
}

/// A program that has taken the place of another, which can be taken back.
#[derive(Debug)]
pub struct Swapped {
    target: PathBuf,
    previous: PathBuf,
}

impl Candidate {
    /// Copies `from` beside `target`, with the owner and the mode that `target` has.
    ///
    /// # Errors
    /// When one cannot be read, or the other's folder not be written.
    pub fn copy(from: &Path, target: &Path) -> Result<Self, FileError> {
        let mut source = File::open(from).map_err(FileError::os("open", from))?;
        let old = fs::symlink_metadata(target).map_err(FileError::os("look at", target))?;
        FileKind::of(old.file_type()).expect(FileKind::File, target)?;
        let beside = FileError::not_written("create a file beside it", target);
        let temporary = Temporary::create_for(target).map_err(beside)?;
        let content = FileError::not_written("copy the content", target);
        io::copy(&mut source, &mut temporary.file()).map_err(content)?;
        sys::inherit(temporary.file(), target, &old)
            .map_err(FileError::not_written("keep its owner and mode", target))?;
        temporary.file().sync_all().map_err(FileError::not_written("sync the content", target))?;
        // Closed, because a file that somebody may write to cannot be executed.
        Ok(Self { file: temporary.close(), target: target.to_owned() })
    }

    /// Where it is now.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Puts it in place; the program that was there is kept beside it as `….previous`.
    ///
    /// # Errors
    /// Nothing has changed then.
    pub fn put_in_place(self) -> Result<Swapped, FileError> {
        let Self { file, target } = self;
        let mut previous = OsString::from(&target);
        previous.push(PREVIOUS);
        let previous = PathBuf::from(previous);
        sys::keep_program(&target, &previous)
            .map_err(FileError::os("keep the program that is there, as", &previous))?;
        match file.rename_to(&target) {
            Ok(()) => Ok(Swapped { target, previous }),
            Err(error) => {
                if !target.exists()
                    && let Err(error) = sys::rename(&previous, &target)
                {
                    return Err(FileError::os("put back in its place", &target)(error));
                }
                Err(FileError::not_written("put it in place", &target)(error))
            }
        }
    }
}

impl Swapped {
    /// Where the program is that was there before.
    pub fn previous(&self) -> &Path {
        &self.previous
    }

    /// Puts that back.
    ///
    /// # Errors
    /// When the folder cannot be written any more.
    pub fn undo(self) -> Result<(), FileError> {
        sys::replace_program(&self.previous, &self.target)
            .map_err(FileError::os("put back in its place", &self.target))
    }
}

/// Whether both are the same file.
pub fn is_same(one: &Path, other: &Path) -> bool {
    let id = |path| Stamp::behind(path).map(|stamp| stamp.id).ok();
    id(one).is_some_and(|file| id(other) == Some(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn program(path: &Path, says: &str) {
        fs::write(path, format!("#!/bin/sh\necho {says}\n")).unwrap();
        set_mode(path, 0o755);
    }

    #[cfg(unix)]
    fn set_mode(path: &Path, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[cfg(unix)]
    fn says(path: &Path) -> String {
        let said = std::process::Command::new(path).output().unwrap().stdout;
        String::from_utf8(said).unwrap().trim().to_owned()
    }

    /// There is no program that can be written in a line here, and no mode that makes it one.
    #[cfg(windows)]
    fn program(path: &Path, says: &str) {
        fs::write(path, says).unwrap();
    }

    #[cfg(windows)]
    fn set_mode(_: &Path, _: u32) {}

    #[cfg(windows)]
    fn says(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_new_one_takes_the_place_and_can_be_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let (target, from) = (folder.path().join("pm"), folder.path().join("new"));
        program(&target, "old");
        program(&from, "new");
        set_mode(&from, 0o600);
        let candidate = Candidate::copy(&from, &target).unwrap();
        assert_eq!((says(&target), says(candidate.path())), ("old".into(), "new".into()));
        let swapped = candidate.put_in_place().unwrap();
        assert_eq!((says(&target), says(swapped.previous())), ("new".into(), "old".into()));
        assert_eq!(names(folder.path()), ["new", "pm", "pm.previous"]);
        swapped.undo().unwrap();
        assert_eq!((says(&target), names(folder.path()).len()), ("old".into(), 2));
        drop(Candidate::copy(&from, &target).unwrap());
        assert_eq!(names(folder.path()), ["new", "pm"], "one that is not wanted leaves nothing");
    }

    /// What a copy of this very program does in the test below.
    #[test]
    #[ignore = "never ends by itself"]
    fn runs() {
        loop {
            std::thread::sleep(std::time::Duration::from_secs(1));
        }
    }

    /// Its file is mapped, and can be neither removed nor replaced. Elsewhere it can.
    #[test]
    #[cfg(windows)]
    fn programs_that_run_are_replaced_one_after_the_other_and_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let (target, from) = (folder.path().join("pm.exe"), folder.path().join("new.exe"));
        fs::copy(std::env::current_exe().unwrap(), &target).unwrap();
        fs::copy(&target, &from).unwrap();
        let run = |path: &Path| {
            let words = ["program::swap::tests::runs", "--exact", "--ignored"];
            std::process::Command::new(path).args(words).stdout(std::process::Stdio::null()).spawn().unwrap()
        };
        let mut running = vec![run(&target)];
        for _ in 0..3 {
            let swapped = Candidate::copy(&from, &target).unwrap().put_in_place().unwrap();
            assert!(is_same(&target, &target) && !is_same(&target, swapped.previous()));
            running.push(run(&target));
        }
        let swapped = Candidate::copy(&from, &target).unwrap().put_in_place().unwrap();
        let before = Stamp::behind(swapped.previous()).unwrap().id;
        running.push(run(&target));
        swapped.undo().unwrap();
        assert_eq!(Stamp::behind(&target).unwrap().id, before);
        for child in &mut running {
            assert!(child.try_wait().unwrap().is_none(), "it runs on");
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let swapped = Candidate::copy(&from, &target).unwrap().put_in_place().unwrap();
        assert!(swapped.previous().exists());
        let left = names(folder.path());
        assert!(left.len() <= 7, "{left:?}");
    }

    #[test]
    fn the_same_file_is_known_by_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let (one, link) = (folder.path().join("one"), folder.path().join("link"));
        program(&one, "x");
        // Symbolic links take a privilege on Windows.
        #[cfg(unix)]
        std::os::unix::fs::symlink("one", &link).unwrap();
        #[cfg(windows)]
        fs::hard_link(&one, &link).unwrap();
        assert!(is_same(&one, &link));
        assert!(!is_same(&one, folder.path()) && !is_same(&one, &folder.path().join("none")));
    }
}
