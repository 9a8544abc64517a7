//! Which of many descriptors is ready: EVFILT_READ and EVFILT_WRITE of kqueue(2), which report as long as they are.

use super::kqueue::{Event, Queue, event};
use crate::sys::terms::Interest;
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr;
use std::time::Duration;

/// How many are reported at once.
const BATCH: usize = 256;

/// Says which of the descriptors given to it are ready, as long as they are. It forgets those that are closed.
pub struct Readiness(Queue);

impl Readiness {
    /// Knows no descriptor yet.
    pub fn new() -> io::Result<Self> {
        Queue::new().map(Self)
    }

    /// Reports `source` as `token`. One that is known already is reported so from now on.
    pub fn add(&self, source: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        let source = source.as_fd();
        self.set(source, libc::EVFILT_READ, libc::EV_ADD, token)?;
        match interest {
            Interest::ReadAndWrite => self.set(source, libc::EVFILT_WRITE, libc::EV_ADD, token)?,
            Interest::Read => self.unset(source, libc::EVFILT_WRITE)?,
        }
        Ok(())
    }

    /// Reports `source`, which is known, as `token` from now on.
    pub fn change(&self, source: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        self.add(source, token, interest)
    }

    /// Undoes [`Readiness::add`].
    pub fn remove(&self, source: impl AsFd) -> io::Result<()> {
        self.unset(&source, libc::EVFILT_WRITE)?;
        Ok(self.unset(source, libc::EVFILT_READ)?)
    }

    /// Waits until something is ready, at most `timeout` (`None`: for good), and puts its tokens into `ready`. Ends early
    /// when a signal interrupts.
    pub fn wait(&self, ready: &mut Vec<u64>, timeout: Option<Duration>) -> io::Result<()> {
        ready.clear();
        let mut events: [Event; BATCH] = [event(0, 0, 0, 0); BATCH];
        match self.0.wait(&mut events, timeout) {
            Ok(filled) => ready.extend(events.iter().take(filled).map(|event| event.udata.addr() as u64)),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // One that can be read and written is reported twice.
        ready.dedup();
        Ok(())
    }

    fn set(&self, source: impl AsFd, filter: i16, flags: u16, token: u64) -> Result<(), Errno> {
        let number = source.as_fd().as_raw_fd().unsigned_abs() as usize;
        let token = usize::try_from(token).map_err(|_| Errno::OVERFLOW)?;
        self.0.change(Event { udata: ptr::without_provenance_mut(token), ..event(number, filter, flags, 0) })
    }

    fn unset(&self, source: impl AsFd, filter: i16) -> Result<(), Errno> {
        match self.set(source, filter, libc::EV_DELETE, 0) {
            // It was not waited for.
            Err(Errno::NOENT) => Ok(()),
            other => other,
        }
    }
}
