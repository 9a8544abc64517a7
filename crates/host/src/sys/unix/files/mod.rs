//! What systems call alike and do differently with files: modes and owners, links that are not followed, which file it is.
//!
//! | file | |
//! | --- | --- |
//! | `open` | opening without following a link and without waiting |
//! | `owner` | modes and owners |
//! | `hint` | what to do about an error |
//! | `replace` | putting one file in the place of another |
//! | `program` | the file of a program that may run |
//! | `spare` | files that have served, and serve again |
//! | `stamp` | which file, which version |

mod hint;
mod open;
mod owner;
mod program;
mod replace;
mod spare;
mod stamp;

pub use hint::{disk_full, hint, is_out_of_descriptors, kind};
pub use open::{
    create_appending, create_new, null, open_appending, open_folder, open_following, open_lock, open_log,
    open_regular, sync, sync_name,
};
pub use owner::{create_folder, create_folders, ensure_private, inherit, readable_by_others};
pub use program::{keep_program, replace_program};
pub use replace::{Placed, replace_if};
pub use spare::{KEEPS_SPARES, reopen, rewrite, set_aside, swap};
pub use stamp::{stamp_at, stamp_behind, stamp_of};

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};

pub use std::fs::{remove_file, rename};

/// Waits for the lock of `file`, for us alone. A child that was forked meanwhile has it, too (flock(2)).
///
/// # Errors
/// What the system said.
pub fn lock(file: &File) -> io::Result<()> {
    uninterrupted(|| file.lock())
}

/// Waits for the lock of `file`, together with others who do the same.
///
/// # Errors
/// What the system said.
pub fn lock_shared(file: &File) -> io::Result<()> {
    uninterrupted(|| file.lock_shared())
}

/// As [`lock_shared`], without waiting; `false`: somebody has it for himself alone.
///
/// # Errors
/// What the system said.
pub fn try_lock_shared(file: &File) -> io::Result<bool> {
    match file.try_lock_shared() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn uninterrupted(mut lock: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    loop {
        match lock() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
