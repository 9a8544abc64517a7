//! Coming: what a predecessor or a service manager left open.

use super::{COUNT_VARIABLE, FIRST, NAMES_VARIABLE, PID_VARIABLE};
use crate::sys::inherit;
use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::net::TcpListener;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

/// More than that is a mistake of whoever started us.
const MOST: RawFd = 1 << 16;

/// What was left open for this process, by name. What nobody takes is closed when this is dropped.
#[derive(Debug, Default)]
pub struct Inherited {
    items: Vec<(String, OwnedFd)>,
}

impl Inherited {
    /// What the environment tells of (sd_listen_fds(3)); nothing in a process that it is not meant for, and from the
    /// second call on. Call it before anything else opens or closes descriptors. Programs that this one starts do
    /// not get them.
    pub fn from_env() -> Self {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        let variable = |name| std::env::var(name).ok();
        let meant = variable(PID_VARIABLE).is_some_and(|pid| pid == std::process::id().to_string());
        let count = variable(COUNT_VARIABLE).and_then(|count| count.parse::<RawFd>().ok());
        let Some(count) = count.filter(|count| meant && (0..=MOST).contains(count)) else {
            return Self::default();
        };
        if TAKEN.swap(true, Ordering::SeqCst) {
            return Self::default();
        }
        let names = variable(NAMES_VARIABLE).unwrap_or_default();
        let mut names = names.split(':');
        let named =
            (FIRST..FIRST + count).map(|number| (names.next().unwrap_or("unknown").to_owned(), number));
        Self { items: named.filter_map(|(name, number)| Some((name, take(number)?))).collect() }
    }

    /// A descriptor with this name.
    pub fn take(&mut self, name: &str) -> Option<OwnedFd> {
        let at = self.items.iter().position(|(has, _)| has == name)?;
        Some(self.items.remove(at).1)
    }

    /// Every descriptor with this name.
    pub fn take_all(&mut self, name: &str) -> Vec<OwnedFd> {
        let all = std::mem::take(&mut self.items);
        let (named, others) = all.into_iter().partition(|(has, _)| has == name);
        self.items = others;
        let named: Vec<(String, OwnedFd)> = named;
        named.into_iter().map(|(_, descriptor)| descriptor).collect()
    }

    /// Every TCP socket with this name that listens; whatever else has it is closed.
    pub fn take_tcp(&mut self, name: &str) -> Vec<TcpListener> {
        let listening = self.take_all(name).into_iter().filter(listens).map(TcpListener::from);
        listening.filter(|listener| listener.local_addr().is_ok()).collect()
    }

    /// The bytes with this name ([`super::Bequest::add_bytes`]).
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn take_bytes(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let Some(descriptor) = self.take(name) else { return Ok(None) };
        let mut file = File::from(descriptor);
        let mut bytes = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Whether something has this name.
    pub fn has(&self, name: &str) -> bool {
        self.items.iter().any(|(has, _)| has == name)
    }
}

fn take(number: RawFd) -> Option<OwnedFd> {
    // SAFETY: only asked about, and not negative; a number that is not open is an error.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    let flags = fcntl_getfd(borrowed).ok()?;
    fcntl_setfd(borrowed, flags | FdFlags::CLOEXEC).ok()?;
    // SAFETY: it is open, whoever started us left it for this very use, and `from_env` lets nobody come here twice.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Whether it is a socket that listens.
pub(in crate::sys) fn listens(descriptor: &OwnedFd) -> bool {
    inherit::listens(descriptor)
}
