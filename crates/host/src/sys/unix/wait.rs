//! Waiting for a few descriptors: poll(2).

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

/// Waits until one of `sources` has something to read (its end included), at most `timeout` (`None`: for good), and says which
/// have. A signal does not end it.
///
/// # Errors
/// As of poll(2).
pub fn any(sources: &[BorrowedFd<'_>], timeout: Option<Duration>) -> io::Result<Vec<bool>> {
    let began = Instant::now();
    let mut watched: Vec<_> =
        sources.iter().map(|source| PollFd::from_borrowed_fd(*source, PollFlags::IN)).collect();
    loop {
        let left = timeout.map(|timeout| timeout.saturating_sub(began.elapsed()));
        // A time too long to write down is as good as none.
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut watched, left.as_ref()) {
            Ok(_) => return Ok(watched.iter().map(|source| !source.revents().is_empty()).collect()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
