//! Putting one file in the place of another, unless somebody was faster: renameat2(2).

use crate::files::{FileId, Stamp};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use std::fs;
use std::io;
use std::path::Path;

/// What became of a file that was to take a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It has the place, and its own name is gone.
    Moved,
    /// It has the place; what was there has its name.
    Exchanged,
    /// It has not.
    Not,
}

/// Puts the file at `from`, which is `ours`, in place of `target` if what was there is `known` (see
/// [`crate::files::replace_if`]). The two are exchanged first and looked at then, so nobody comes in between; what turns
/// out not to be known is put back.
///
/// # Errors
/// What the system said.
pub fn replace_if(
    from: &Path,
    ours: FileId,
    target: &Path,
    known: &impl Fn(Option<&Stamp>) -> bool,
) -> io::Result<Placed> {
    match exchange(from, target) {
        Ok(()) => {}
        Err(Errno::NOENT) => return rename_unless_taken(from, target),
        // Unknown to the file system, or to the kernel.
        Err(errno) if is_unsupported(errno) => return fs::rename(from, target).map(|()| Placed::Moved),
        Err(errno) => return Err(errno.into()),
    }
    if known(Some(&Stamp::at(from)?)) {
        return Ok(Placed::Exchanged);
    }
    exchange(from, target)?;
    if FileId::at(from)? != ours {
        // Somebody wrote yet another version while ours was there: that one is the newest.
        exchange(from, target)?;
    }
    Ok(Placed::Not)
}

pub(super) fn exchange(one: &Path, other: &Path) -> rustix::io::Result<()> {
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)
}

fn rename_unless_taken(from: &Path, target: &Path) -> io::Result<Placed> {
    match renameat_with(CWD, from, CWD, target, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(Placed::Moved),
        Err(Errno::EXIST) => Ok(Placed::Not),
        Err(errno) if is_unsupported(errno) => fs::rename(from, target).map(|()| Placed::Moved),
        Err(errno) => Err(errno.into()),
    }
}

/// Whether it is the flag of a rename that the file system, or the kernel, does not know (renameat2(2)).
fn is_unsupported(errno: Errno) -> bool {
    // The last two are one number on Linux; macOS says the first of them (renameatx_np(2)).
    [Errno::INVAL, Errno::NOSYS, Errno::NOTSUP, Errno::OPNOTSUPP].contains(&errno)
}
