//! What a user can do about an error of the system, and what stands at a path.

use crate::files::FileKind;
use crate::sys::process::advice;
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};
use std::fs::FileType;
use std::io;
use std::os::unix::fs::FileTypeExt;

/// As a clause after the error; `None` when nothing is known.
pub fn hint(error: &io::Error) -> Option<String> {
    Some(match Errno::from_io_error(error)? {
        Errno::NOSPC => "; the disk is full: free some space".to_owned(),
        Errno::DQUOT => "; the user's disk quota is used up: free some space".to_owned(),
        Errno::ROFS => "; the file system is mounted read-only".to_owned(),
        Errno::ACCESS | Errno::PERM => {
            let user = rustix::process::geteuid().as_raw();
            format!("; user {user} lacks the permission: check owner and mode")
        }
        Errno::MFILE => of_open_files(),
        Errno::NFILE => format!("; the whole system is out of file descriptors ({})", advice::ALL_OPEN_FILES),
        _ => return None,
    })
}

fn of_open_files() -> String {
    match getrlimit(Resource::Nofile).current {
        Some(limit) => {
            format!("; this process may have {limit} files open and has: raise the limit (ulimit -n)")
        }
        None => "; raise the limit of open files (ulimit -n)".to_owned(),
    }
}

/// Whether it failed because this process, or the whole system, can open nothing more.
pub fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

/// What the system says when a disk is full.
pub fn disk_full() -> io::Error {
    Errno::NOSPC.into()
}

/// What stands there.
pub fn kind(of: FileType) -> FileKind {
    if of.is_file() {
        FileKind::File
    } else if of.is_dir() {
        FileKind::Folder
    } else if of.is_symlink() {
        FileKind::SymbolicLink
    } else if of.is_fifo() {
        FileKind::Fifo
    } else if of.is_socket() {
        FileKind::Socket
    } else {
        FileKind::Device
    }
}
