//! Reading a file that someone else may have put there.

use super::{FileError, FileKind};
use crate::sys::files as sys;
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::Path;

/// The content of the regular file at `path`, which has at most `most` bytes. Anything else at that
/// path is an error that says what it is: a symbolic link (it would be cut when the file is replaced),
/// a FIFO or device (reading it could wait for ever), a folder.
pub fn read_bounded(path: &Path, most: u64) -> Result<Vec<u8>, FileError> {
    let (file, _) = open_regular(path)?;
    read_open(file, path, most)
}

/// Opens the regular file at `path` for reading, without following a link and without waiting.
pub(crate) fn open_regular(path: &Path) -> Result<(File, Metadata), FileError> {
    // Looked at before opening, because opening a device may already act on it.
    let seen = fs::symlink_metadata(path).map_err(FileError::os("open", path))?;
    FileKind::of(seen.file_type()).expect(FileKind::File, path)?;
    let file = sys::open_regular(path).map_err(FileError::os("open", path))?;
    let opened = file.metadata().map_err(FileError::os("look at", path))?;
    FileKind::of(opened.file_type()).expect(FileKind::File, path)?;
    Ok((file, opened))
}

/// The content of `file`, which was opened at `path` and has at most `most` bytes.
pub(crate) fn read_open(file: File, path: &Path, most: u64) -> Result<Vec<u8>, FileError> {
    let too_large = |bytes| FileError::TooLarge { path: path.to_owned(), bytes, most };
    let size = file.metadata().map_err(FileError::os("look at", path))?.len();
    if size > most {
        return Err(too_large(size));
    }
    let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    file.take(most.saturating_add(1)).read_to_end(&mut content).map_err(FileError::os("read", path))?;
    match u64::try_from(content.len()) {
        Ok(read) if read > most => Err(too_large(read)),
        _ => Ok(content),
    }
}
