//! How many handles: as many as 16 million in each process ("Pushing the Limits of Windows: Handles"), whoever asks. So there is
//! nothing to raise and nothing to keep back.

use process_monitor_core::model::OutputMode;
use std::io;

/// What a process may have at most.
const MOST_HANDLES: u64 = 16 * 1024 * 1024;

/// Handles that a program keeps while it runs: its process and its job, and if its output is captured, the reading end of each
/// stream with the event that tells of something to read.
fn per_program(output: OutputMode) -> u64 {
    match output {
        OutputMode::Capture => 6,
        OutputMode::Discard => 2,
    }
}

/// Nothing is to be raised; `None`: there is no limit that programs would have to get back.
///
/// # Errors
/// None.
pub fn raise_nofile() -> io::Result<Option<u64>> {
    Ok(None)
}

/// There is nothing to set back.
///
/// # Errors
/// None.
pub fn restore_nofile() -> io::Result<()> {
    Ok(())
}

/// Whether the connection `newest` of a client leaves room for what matters more: it does.
pub fn has_room_for_clients<T>(_newest: &T) -> bool {
    true
}

/// Whether what was just opened is in the second half of what this process may have: it never is.
pub fn is_in_second_half<T>(_newest: T) -> bool {
    false
}

/// About how many more programs with such `output` a monitor can start that has `open` handles of `limit`.
pub fn room_for_programs(output: OutputMode, open: u64, limit: u64) -> u64 {
    limit.min(MOST_HANDLES).saturating_sub(open) / per_program(output)
}
