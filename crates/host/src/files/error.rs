//! Why an operation on a file failed, and what to do about it.

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};
use std::fmt;
use std::fs::FileType;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileTypeExt;
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
        /// User id of its owner.
        owner: u32,
        /// Our effective user id.
        user: u32,
    },
    /// Others may write in a private folder, so what is in it cannot be trusted.
    #[error(
        "others than its owner may write in {} (mode {mode:04o}): look at what is in it, then \
         `chmod 700` it, or remove it while no monitor runs",
        path.display()
    )]
    OpenToOthers {
        /// The folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
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
        if kind.is_file() {
            Self::File
        } else if kind.is_dir() {
            Self::Folder
        } else if kind.is_symlink() {
            Self::SymbolicLink
        } else if kind.is_fifo() {
            Self::Fifo
        } else if kind.is_socket() {
            Self::Socket
        } else {
            Self::Device
        }
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
        match Errno::from_io_error(self.0) {
            Some(Errno::NOSPC) => f.write_str("; the disk is full: free some space"),
            Some(Errno::DQUOT) => f.write_str("; the user's disk quota is used up: free some space"),
            Some(Errno::ROFS) => f.write_str("; the file system is mounted read-only"),
            Some(Errno::ACCESS | Errno::PERM) => {
                write!(
                    f,
                    "; user {} lacks the permission: check owner and mode",
                    rustix::process::geteuid().as_raw()
                )
            }
            Some(Errno::MFILE) => open_files_hint(f),
            Some(Errno::NFILE) => f.write_str("; the whole system is out of file descriptors (fs.file-max)"),
            _ => Ok(()),
        }
    }
}

fn open_files_hint(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match getrlimit(Resource::Nofile).current {
        Some(limit) => {
            write!(f, "; this process may have {limit} files open and has: raise the limit (ulimit -n)")
        }
        None => f.write_str("; raise the limit of open files (ulimit -n)"),
    }
}
