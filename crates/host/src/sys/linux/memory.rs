//! Files that are gone with who has them open: memfd_create(2).

use rustix::fs::MemfdFlags;
use std::fs::File;
use std::io;

/// An empty file, for reading and writing. `name` is shown to who looks for it.
///
/// # Errors
/// When the system has no memory or descriptor for it.
pub fn file(name: &str) -> io::Result<File> {
    Ok(rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC)?.into())
}
