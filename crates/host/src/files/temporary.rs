//! Temporary files with a name that tells whose they are, so that what a killed writer left behind
//! can be told from what a living one is writing.

use super::{FileError, FileId, Stamp, remove_if_there};
use crate::lock::holder_is_gone;
use crate::sys::files::{self as sys, Placed};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const SUFFIX: &str = ".tmp";

/// A new file, `.{name}.{pid}-{n}.tmp`, open to this user alone. Dropping it removes that name.
pub(crate) struct Temporary {
    name: TemporaryName,
    file: File,
}

/// A [`Temporary`] that is written. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Closed(TemporaryName);

impl Closed {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Puts the file in place of `target`, whatever was there.
    pub fn rename_to(mut self, target: &Path) -> io::Result<()> {
        sys::rename(&self.0.path, target)?;
        self.0.in_place = true;
        Ok(())
    }
}

impl Temporary {
    /// Creates one beside `target`, which it is to become.
    pub fn create_for(target: &Path) -> io::Result<Self> {
        let (folder, name) = split(target)?;
        loop {
            let path = folder.join(temporary_name(name));
            match sys::create_new(&path) {
                Ok(file) => return Ok(Self { name: TemporaryName { path, in_place: false }, file }),
                // Left by a writer that had our pid before us.
                Err(reason) if reason.kind() == ErrorKind::AlreadyExists => {}
                Err(reason) => return Err(reason),
            }
        }
    }

    /// The open file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Closes the file, which keeps its name for now.
    pub fn close(self) -> Closed {
        Closed(self.name)
    }

    /// Gives the file the name `target`, unless that name is taken ([`ErrorKind::AlreadyExists`]).
    pub fn link_to(self, target: &Path) -> io::Result<File> {
        fs::hard_link(&self.name.path, target)?;
        Ok(self.file)
    }

    /// Puts the file in place of `target`, whatever was there.
    pub fn rename_to(mut self, target: &Path) -> io::Result<()> {
        sys::rename(&self.name.path, target)?;
        self.name.in_place = true;
        Ok(())
    }

    /// Puts the file in place of `target` if what was there is `known` (see [`super::replace_if`]), and says
    /// whether it did.
    pub fn exchange_if(
        &mut self,
        target: &Path,
        known: &impl Fn(Option<&Stamp>) -> bool,
    ) -> io::Result<bool> {
        let ours = FileId::of(&self.file)?;
        let placed = sys::replace_if(&self.name.path, ours, target, known)?;
        self.name.in_place = placed == Placed::Moved;
        Ok(placed != Placed::Not)
    }
}

#[derive(Debug)]
struct TemporaryName {
    path: PathBuf,
    in_place: bool,
}

impl Drop for TemporaryName {
    fn drop(&mut self) {
        if self.in_place {
            return;
        }
        if let Err(reason) = sys::remove_file(&self.path) {
            tracing::warn!(file = %self.path.display(), %reason, "cannot remove a temporary file");
        }
    }
}

fn temporary_name(name: &OsStr) -> OsString {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut full = prefix(name);
    full.push(format!("{}-{n}{SUFFIX}", std::process::id()));
    full
}

fn prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    prefix
}

/// The pid in the name of a temporary file made for `name`, or `None` for any other file.
fn writer_of(file: &OsStr, name: &OsStr) -> Option<u32> {
    let middle = file.as_encoded_bytes().strip_prefix(prefix(name).as_encoded_bytes())?;
    let middle = middle.strip_suffix(SUFFIX.as_bytes())?;
    let (pid, n) = std::str::from_utf8(middle).ok()?.split_once('-')?;
    n.parse::<u64>().ok().and(pid.parse().ok())
}

/// The folder and the name of a file.
pub(super) fn split(path: &Path) -> io::Result<(&Path, &OsStr)> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(ErrorKind::InvalidInput, "the path has no file name"));
    };
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => Ok((folder, name)),
        _ => Ok((Path::new("."), name)),
    }
}

/// Removes the temporary files that killed writers of `target` left in its folder, and says how many
/// there were. Those of living writers stay. Costs a listing of the folder: for the start of the
/// monitor, and for who finds a lock whose holder died.
pub fn remove_leftovers(target: &Path) -> Result<usize, FileError> {
    let (folder, name) = split(target).map_err(FileError::os("list the folder of", target))?;
    let mut removed = 0;
    for file in fs::read_dir(folder).map_err(FileError::os("list", folder))? {
        let file = file.map_err(FileError::os("list", folder))?;
        let Some(pid) = writer_of(&file.file_name(), name) else { continue };
        if !holder_is_gone(pid) {
            continue;
        }
        let path = file.path();
        removed += usize::from(remove_if_there(&path).map_err(FileError::os("remove", &path))?);
    }
    Ok(removed)
}
