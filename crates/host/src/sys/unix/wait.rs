//! Waiting for a few descriptors: poll(2).

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

/// A longer wait is done in pieces: macOS takes the time in milliseconds, of which a number holds 24 days.
const PIECE: Duration = Duration::from_secs(24 * 60 * 60);

/// Waits until one of `sources` has something to read (its end included), at most `timeout` (`None`: for good), and says which
/// have. A signal does not end it.
///
/// # Errors
/// As of poll(2).
pub fn any(sources: &[BorrowedFd<'_>], timeout: Option<Duration>) -> io::Result<Vec<bool>> {
    let mut watched: Vec<_> =
        sources.iter().map(|source| PollFd::from_borrowed_fd(*source, PollFlags::IN)).collect();
    until(&mut watched, timeout)?;
    Ok(watched.iter().map(|source| !source.revents().is_empty()).collect())
}

/// As [`any`], for one.
///
/// # Errors
/// As of poll(2).
pub fn one(source: BorrowedFd<'_>, timeout: Option<Duration>) -> io::Result<bool> {
    until(&mut [PollFd::from_borrowed_fd(source, PollFlags::IN)], timeout)
}

fn until(watched: &mut [PollFd<'_>], timeout: Option<Duration>) -> io::Result<bool> {
    let began = Instant::now();
    loop {
        let left = timeout.map(|timeout| timeout.saturating_sub(began.elapsed()));
        let piece = left.and_then(|left| Timespec::try_from(left.min(PIECE)).ok());
        match poll(watched, piece.as_ref()) {
            Err(Errno::INTR) => {}
            Ok(0) if left.is_some_and(|left| left > PIECE) => {}
            other => return Ok(other? > 0),
        }
    }
}
