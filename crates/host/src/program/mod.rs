//! The monitor's own file, whether a file is all there, and putting another in its place.

mod swap;

pub use swap::{Candidate, Swapped, is_same};

use crate::sys::positioned::FileExt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What the kernel appends to the path of a running program whose file was replaced or removed (proc_pid_exe(5)).
const DELETED: &str = " (deleted)";

/// The path of this program's file, as it was at the first call: call it first thing, because the file may be replaced
/// later, which is what an upgrade does.
///
/// # Errors
/// When the system does not tell, for example because `/proc` is not mounted.
pub fn own() -> io::Result<PathBuf> {
    static OWN: OnceLock<PathBuf> = OnceLock::new();
    if let Some(known) = OWN.get() {
        return Ok(known.clone());
    }
    let found = replaced(std::env::current_exe()?);
    Ok(OWN.get_or_init(|| found).clone())
}

/// The path without the kernel's remark.
fn replaced(path: PathBuf) -> PathBuf {
    match path.to_str().and_then(|text| text.strip_suffix(DELETED)) {
        Some(before) if !path.exists() => PathBuf::from(before),
        _ => path,
    }
}

/// A file that is shorter than it says itself that it is.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is truncated: it has {has} of {needs} bytes; copy it again", path.display())]
pub struct Incomplete {
    /// The file.
    pub path: PathBuf,
    /// Its length.
    pub has: u64,
    /// What its own header tells.
    pub needs: u64,
}

/// Whether `file`, at `path`, is all there, if it is of a kind that tells (ELF, elf(5)). A truncated program may start
/// and die much later, when it first needs what is missing.
///
/// # Errors
/// When it cannot be read.
pub fn check_whole(path: &Path, file: &File) -> io::Result<Result<(), Incomplete>> {
    let has = file.metadata()?.len();
    let mut head = [0; 64];
    let mut filled = 0;
    while let Some(rest) = head.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    let needs = needed_by(head.get(..filled).unwrap_or_default());
    Ok(if has < needs { Err(Incomplete { path: path.to_owned(), has, needs }) } else { Ok(()) })
}

/// The end of the section headers, which linkers put last; 0 for what is no ELF file of 64 bits. One without section
/// headers is judged by the exec alone.
fn needed_by(head: &[u8]) -> u64 {
    const MAGIC: &[u8] = b"\x7fELF\x02";
    const HEADER: u64 = 64;
    if !head.starts_with(MAGIC) {
        return 0;
    }
    let little = head.get(5) == Some(&1);
    let field = |at: usize, length: usize| -> Option<u64> {
        let bytes = head.get(at..at + length)?.iter();
        let join = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        Some(if little { bytes.rev().fold(0, join) } else { bytes.fold(0, join) })
    };
    // e_shoff, e_shentsize, e_shnum
    match (field(0x28, 8), field(0x3a, 2), field(0x3c, 2)) {
        (Some(at), Some(size), Some(count)) => at.saturating_add(size * count).max(HEADER),
        _ => HEADER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[cfg(target_os = "linux")] // elsewhere programs are no ELF files
    #[test]
    fn every_truncation_is_seen() {
        let whole = own().unwrap();
        assert_eq!(check_whole(&whole, &File::open(&whole).unwrap()).unwrap(), Ok(()));
        let length = fs::metadata(&whole).unwrap().len();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut");
        fs::copy(&whole, &path).unwrap();
        for cut in [length - 1, length / 2, 100, 20, 5] {
            fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(cut).unwrap();
            let found = check_whole(&path, &File::open(&path).unwrap()).unwrap();
            assert_eq!(found.unwrap_err().has, cut);
        }
    }

    #[test]
    fn other_files_are_not_judged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script");
        for content in ["", "#!/bin/sh\n", "\x7fELF\x01"] {
            fs::write(&path, content).unwrap();
            assert_eq!(check_whole(&path, &File::open(&path).unwrap()).unwrap(), Ok(()), "{content:?}");
        }
    }

    #[test]
    fn a_replaced_file_is_where_it_was() {
        let at = |path: &str| replaced(path.into()).display().to_string();
        assert_eq!(at("/opt/pm (deleted)"), "/opt/pm");
        assert_eq!(at("/opt/pm"), "/opt/pm");
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("odd (deleted)");
        fs::write(&odd, "").unwrap();
        assert_eq!(replaced(odd.clone()), odd, "a file that is called so");
    }
}
