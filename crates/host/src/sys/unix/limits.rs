//! How many descriptors: the monitor needs many, its programs get what the user set.

use crate::sys::process::spawn::{most_descriptors, per_start};
use process_monitor_core::model::OutputMode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::OnceLock;

/// Descriptors that no program takes, so that the monitor can always be talked to, save the registry
/// and note how programs ended. Whoever makes room must be able to ask for it.
const RESERVED: u64 = 12;

/// Descriptors that a program keeps while it runs: the pidfd that tells of its exit, and the reading end of each of its
/// two FIFOs, if its output is captured. One more where it says by sd_notify how it is.
fn per_program(output: OutputMode) -> u64 {
    match output {
        OutputMode::Capture => 3,
        OutputMode::Discard => 1,
    }
}

/// What the monitor found when it raised the limit; programs are spawned with it.
static ORIGINAL: OnceLock<u64> = OnceLock::new();

/// Raises the soft limit of open descriptors (`ulimit -n`) of this process to the hard one, for the
/// pidfds and FIFOs of many programs. Returns the limit found, which spawned programs get back:
/// programs that use select(2) break on descriptors above 1023. A second call changes nothing.
///
/// # Errors
/// When the system refuses; the limit is then as it was.
pub fn raise_nofile() -> io::Result<Option<u64>> {
    let found = getrlimit(Resource::Nofile);
    let most = [found.maximum, most_descriptors()].into_iter().flatten().min();
    let Some(soft) = found.current.filter(|soft| most.is_none_or(|most| *soft < most)) else {
        return Ok(original_nofile().or(found.current));
    };
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: found.maximum })?;
    Ok(Some(*ORIGINAL.get_or_init(|| soft)))
}

/// Sets the soft limit back to what [`raise_nofile`] found: the next program that this process becomes
/// by an exec shall find the same.
///
/// # Errors
/// When the system refuses.
pub fn restore_nofile() -> io::Result<()> {
    let Some(soft) = original_nofile() else { return Ok(()) };
    let maximum = getrlimit(Resource::Nofile).maximum;
    Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(soft), maximum })?)
}

/// The limit found by [`raise_nofile`], if it was raised.
pub(crate) fn original_nofile() -> Option<u64> {
    ORIGINAL.get().copied()
}

/// Whether `newest` is none of the last [`RESERVED`]. A new descriptor has the lowest free number
/// (open(2)), so a high one tells that those below are taken: there is no need to count them.
pub(crate) fn leaves_reserve(newest: BorrowedFd<'_>) -> bool {
    leaves(newest, RESERVED)
}

/// Whether the connection `newest` of a client leaves room for what matters more: programs, and what the monitor
/// needs itself.
pub fn has_room_for_clients(newest: &impl AsFd) -> bool {
    leaves(newest.as_fd(), 2 * RESERVED)
}

fn leaves(newest: BorrowedFd<'_>, kept: u64) -> bool {
    let number = u64::from(newest.as_raw_fd().unsigned_abs());
    nofile().is_none_or(|limit| number.saturating_add(kept) < limit)
}

/// Whether a descriptor that was just opened is in the second half of those that this process may have: who can do
/// without it then should.
pub fn is_in_second_half(newest: impl AsFd) -> bool {
    let number = u64::from(newest.as_fd().as_raw_fd().unsigned_abs());
    nofile().is_some_and(|limit| number > limit / 2)
}

/// About how many more programs with such `output` a monitor can start that has `open` descriptors of `limit`.
pub fn room_for_programs(output: OutputMode, open: u64, limit: u64) -> u64 {
    let kept = per_program(output);
    let for_the_last = (per_start(output) as u64).saturating_sub(kept);
    limit.saturating_sub(open).saturating_sub(RESERVED + for_the_last) / kept
}

/// The soft limit of open descriptors; `None`: unlimited.
pub(crate) fn nofile() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}
