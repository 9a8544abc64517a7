//! Lines of output, as many as one look at a busy stream shows.

use process_monitor_core::framing;
use process_monitor_core::time::Wall;

/// One look, in bytes.
pub const LOOK: usize = 64 << 10;

const LINE: &[u8] =
    b"a line of output, as long as those of most programs are, with a number 0123456789 in it\n";

pub fn look() -> Vec<u8> {
    LINE.iter().copied().cycle().take(LOOK).collect()
}

/// Where each line ends, which is to get a time.
pub fn lines(look: &[u8]) -> usize {
    framing::lines(look).map(|(length, _)| length).sum()
}

/// The same lines for one who reads them.
pub fn whole_lines(look: &[u8]) -> usize {
    framing::whole_lines(look, LOOK)
}

/// The time that lines begin with.
pub fn stamp() -> Vec<u8> {
    framing::stamp(std::hint::black_box(Wall::from_unix_millis(1_769_250_600_123)))
}

/// Whether a file ends with a part of one.
pub fn torn() -> bool {
    framing::is_torn_stamp(std::hint::black_box(b"2026-01-24T10:30:00.12"))
}
