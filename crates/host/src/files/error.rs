//! Why an operation on a file failed, and what to do about it.

use crate::sys::files as sys;
use std::fmt;
use std::fs::FileType;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// An operation on a file or folder that failed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused an operation.
    #[error("cannot {operation} {}: {reason}{}", path.display(), Hint(reason))]
    Os {
        /// A verb: `open`, `read`.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// A file could not be replaced; it is as it was, and the temporary file is gone.
    #[error("cannot write {} (failed to {step}): {reason}{}; nothing was changed", path.display(), Hint(reason))]
    NotWritten {
        /// The file that was to be written.
        path: PathBuf,
        /// Which step failed.
        step: &'static str,
        /// What the system said.
        reason: io::Error,
    },
    /// A file was replaced, but its folder could not be synced: everybody sees the new content, but
    /// a power failure may bring back the old one.
    #[error("{} was written, but a power failure may undo it: cannot sync its folder: {reason}{}", path.display(), Hint(reason))]
    NotSynced {
        /// The file that was written.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// Something else stands where a file or folder is expected.
    #[error("{} is {found}, not {wanted}{}", path.display(), found.hint())]
    WrongKind {
        /// Where.
        path: PathBuf,
        /// What is there.
        found: FileKind,
        /// What should be there.
        wanted: FileKind,
    },
    /// A file is larger than the reader allows.
    #[error("{} is too large: {bytes} bytes, where at most {most} are expected", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes, or what was read of it before giving up.
        bytes: u64,
        /// The bound.
        most: u64,
    },
    /// A private folder belongs to another user.
    #[error(
        "{} belongs to user {owner}, but this is user {user}: run this as user {owner}, or choose \
         another directory with --directory",
        path.display()
    )]
    ForeignOwner {
        /// The folder.
        path: PathBuf,
        /// Its owner, as the system names him: on Unix by a number.
        owner: String,
        /// Us, named likewise.
        user: String,
    },
    /// Others may write in a private folder, so what is in it cannot be trusted.
    #[error(
        "others than its owner may write in {} ({rights}): look at what is in it, then \
         `{remedy}` it, or remove it while no monitor runs",
        path.display()
    )]
    OpenToOthers {
        /// The folder.
        path: PathBuf,
        /// What of its rights is too much: `mode 0777`.
        rights: String,
        /// The command that closes it.
        remedy: String,
    },
}

impl FileError {
    pub(crate) fn os(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |reason| Self::Os { operation, path: path.to_owned(), reason }
    }

    pub(crate) fn not_written(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |reason| Self::NotWritten { path: path.to_owned(), step, reason }
    }

    /// What the system said, where it said something.
    pub fn reason(&self) -> Option<&io::Error> {
        match self {
            Self::Os { reason, .. } | Self::NotWritten { reason, .. } | Self::NotSynced { reason, .. } => {
                Some(reason)
            }
            _ => None,
        }
    }

    /// Whether it failed because there is no such file or folder.
    pub fn is_not_found(&self) -> bool {
        self.reason().is_some_and(|reason| reason.kind() == ErrorKind::NotFound)
    }
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the kinds of inode(7)
pub enum FileKind {
    File,
    Folder,
    SymbolicLink,
    Fifo,
    Socket,
    Device,
}

impl FileKind {
    pub(crate) fn of(kind: FileType) -> Self {
        sys::kind(kind)
    }

    /// Fails unless `self`, found at `path`, is `wanted`.
    pub(crate) fn expect(self, wanted: Self, path: &Path) -> Result<(), FileError> {
        if self == wanted {
            return Ok(());
        }
        Err(FileError::WrongKind { path: path.to_owned(), found: self, wanted })
    }

    fn hint(self) -> &'static str {
        match self {
            Self::SymbolicLink => {
                "; links are not followed, because replacing the file would cut them: put the thing itself \
                 there, or choose its folder with --directory"
            }
            _ => "; move it away",
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a regular file",
            Self::Folder => "a folder",
            Self::SymbolicLink => "a symbolic link",
            Self::Fifo => "a FIFO",
            Self::Socket => "a socket",
            Self::Device => "a device",
        })
    }
}

/// What a user can do about an error of the system, as a clause after it; empty when nothing is known.
pub(crate) struct Hint<'a>(pub &'a io::Error);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&sys::hint(self.0).unwrap_or_default())
    }
}
