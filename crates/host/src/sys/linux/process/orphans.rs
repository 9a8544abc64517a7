//! To whom the orphans among our descendants fall.

use rustix::process::{getpid, set_child_subreaper};
use std::io;

/// Whether they fall to this process after [`fall_to_us`].
pub const FALL_TO_US: bool = true;

/// They fall to this process from now on, as children of its main thread.
///
/// # Errors
/// Before Linux 3.4.
pub fn fall_to_us() -> io::Result<()> {
    // Any number but none means "on" (PR_SET_CHILD_SUBREAPER).
    Ok(set_child_subreaper(Some(getpid()))?)
}
