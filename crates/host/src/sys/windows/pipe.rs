//! Named pipes that are found by a file: the file at a socket's path holds the pipe's name, which nobody can guess. So who
//! cannot read the file cannot find the pipe, nobody can take the name first, and a pipe comes and goes for clients as a
//! Unix socket does: by one file's name.

use super::object::{done, owned};
use super::process::open;
use super::security::OwnerOnly;
use super::users;
use crate::fd::{BorrowedFd, OwnedFd};
use crate::files::{Durability, write_atomic};
use crate::random;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, PIPE_ACCESS_DUPLEX,
};
use windows_sys::Win32::System::Pipes::{
    CreateNamedPipeW, GetNamedPipeServerProcessId, PIPE_READMODE_BYTE, PIPE_REJECT_REMOTE_CLIENTS,
    PIPE_TYPE_BYTE, PIPE_UNLIMITED_INSTANCES, PIPE_WAIT,
};

/// How every name begins ("Pipe Names").
const BEGINNING: &str = r"\\.\pipe\tom-pm-";

/// A name is no longer, in bytes.
const LONGEST: u64 = 256;

/// How much is kept of what was not read yet, in bytes, in each direction.
const BUFFER: u32 = 64 << 10;

/// A name that nobody has and nobody can guess.
///
/// # Errors
/// When the system has no random numbers.
pub fn fresh_name() -> io::Result<String> {
    let secret: String = random::secret_bits()?.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{BEGINNING}{secret}"))
}

/// A new instance of the pipe `name`, to which one client can connect at once; of bytes, overlapped, for our own user on this
/// machine alone. `first`: nobody has that name yet.
///
/// # Errors
/// What the system said; [`ErrorKind::PermissionDenied`] when it is not the first.
pub fn create(name: &str, first: bool) -> io::Result<OwnedFd> {
    let only_us = OwnerOnly::new()?;
    let name = super::users::wide(name);
    let first = if first { FILE_FLAG_FIRST_PIPE_INSTANCE } else { 0 };
    // SAFETY: the name is null-terminated, and the attributes live as long as the call.
    owned(unsafe {
        CreateNamedPipeW(
            name.as_ptr(),
            PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | first,
            PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
            PIPE_UNLIMITED_INSTANCES,
            BUFFER,
            BUFFER,
            0,
            only_us.as_ptr(),
        )
    })
}

/// Lets clients find the pipe `name` at `path`, in place of what is there.
///
/// # Errors
/// When the folder cannot be written.
pub fn publish(path: &Path, name: &str) -> io::Result<()> {
    write_atomic(path, name.as_bytes(), Durability::Unsynced).map_err(io::Error::other)
}

/// The name of the pipe that is found at `path`.
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is none, [`ErrorKind::InvalidData`] when the file holds something else.
pub fn published_at(path: &Path) -> io::Result<String> {
    let mut name = String::new();
    File::open(path)?.take(LONGEST).read_to_string(&mut name)?;
    match is_name(&name) {
        true => Ok(name),
        false => Err(io::Error::new(ErrorKind::InvalidData, "the file holds no name of a pipe of ours")),
    }
}

/// Refuses to talk to another user's process through `pipe`, which was opened by its name. Names of pipes are shown to everybody,
/// so another user could have taken one whose owner was killed.
///
/// # Errors
/// [`ErrorKind::PermissionDenied`] when it is another's, or when that cannot be known.
pub fn ensure_ours(pipe: BorrowedFd<'_>) -> io::Result<()> {
    let mut pid = 0;
    // SAFETY: the handle is open, and there is room for the answer.
    done(unsafe { GetNamedPipeServerProcessId(pipe.as_raw_handle(), &raw mut pid) })?;
    let server = open::open(pid, 0)?.map(|server| users::of_process(&server)).transpose()?;
    match server {
        // The system itself, too, may do everything anyway.
        Some(user) if user == users::own() || user == 0 => Ok(()),
        _ => Err(io::Error::new(ErrorKind::PermissionDenied, "the pipe is another user's")),
    }
}

/// Whether `name` is one of [`fresh_name`].
pub fn is_name(name: &str) -> bool {
    let secret = name.strip_prefix(BEGINNING).unwrap_or_default();
    !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_hexdigit())
}
