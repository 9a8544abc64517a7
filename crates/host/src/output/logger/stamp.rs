//! The time at the beginning of a line.

use process_monitor_core::time::Wall;

/// What a line that was read at `now` begins with.
///
/// It does not end with a line end, so a file in which a killed logger left a prefix without its
/// line looks to the next one as if it ended inside a line, and the line follows without a second
/// prefix. The time is right: the line had been seen when the prefix was written.
pub(super) fn prefix(now: Wall) -> Vec<u8> {
    format!("{now} ").into_bytes()
}
