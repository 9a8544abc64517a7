//! To whom the orphans among our descendants fall.

use std::io;

/// Whether they fall to this process after [`fall_to_us`]: to launchd, whatever we do, because macOS has no subreapers.
/// Trees are found by looking at all processes.
pub const FALL_TO_US: bool = false;

/// There is nothing to do; see [`FALL_TO_US`].
///
/// # Errors
/// None.
pub fn fall_to_us() -> io::Result<()> {
    Ok(())
}
