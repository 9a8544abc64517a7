//! Coming: what a predecessor left.

use super::gift::{Gift, Received};
use super::{PREDECESSOR_VARIABLE, STOP};
use crate::fd::OwnedFd;
use crate::sys::signals;
use crate::sys::windows::process::open;
use std::io;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};

/// What was left for this process, by name. What nobody takes is closed when this is dropped.
#[derive(Debug, Default)]
pub struct Inherited {
    items: Vec<(String, Received)>,
}

impl Inherited {
    /// What the predecessor tells of by our standard input; nothing in a process that follows nobody, and from the second
    /// call on.
    pub fn from_env() -> Self {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        let predecessor = std::env::var(PREDECESSOR_VARIABLE).ok().and_then(|pid| pid.parse::<u32>().ok());
        // Whatever our predecessor's heirs start has the variable, too, but another parent.
        if predecessor.is_none() || predecessor != open::parent().ok() || TAKEN.swap(true, Ordering::SeqCst) {
            return Self::default();
        }
        let mut inherited = read().unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot understand what the monitor before left");
            Self::default()
        });
        if inherited.remove(STOP).is_some() {
            signals::want_stop();
        }
        inherited
    }

    /// A handle with this name.
    pub fn take(&mut self, name: &str) -> Option<OwnedFd> {
        match self.remove(name)? {
            Received::Handle(handle) => Some(handle),
            _ => None,
        }
    }

    /// Every handle with this name.
    pub fn take_all(&mut self, name: &str) -> Vec<OwnedFd> {
        std::iter::from_fn(|| self.take(name)).collect()
    }

    /// Every TCP socket with this name.
    pub fn take_tcp(&mut self, name: &str) -> Vec<TcpListener> {
        let mut listeners = Vec::new();
        while let Some(received) = self.remove(name) {
            if let Received::Listener(listener) = received {
                listeners.push(listener);
            }
        }
        listeners
    }

    /// The bytes with this name ([`super::Bequest::add_bytes`]).
    ///
    /// # Errors
    /// Never, here.
    pub fn take_bytes(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match self.remove(name) {
            Some(Received::Bytes(bytes)) => Ok(Some(bytes)),
            _ => Ok(None),
        }
    }

    /// Whether something has this name.
    pub fn has(&self, name: &str) -> bool {
        self.items.iter().any(|(has, _)| has == name)
    }

    fn remove(&mut self, name: &str) -> Option<Received> {
        let at = self.items.iter().position(|(has, _)| has == name)?;
        Some(self.items.remove(at).1)
    }
}

fn read() -> io::Result<Inherited> {
    let gifts: Vec<(String, Gift)> = serde_json::from_reader(io::stdin().lock())?;
    let mut items = Vec::new();
    for (name, gift) in gifts {
        match Received::from(gift) {
            Ok(received) => items.push((name, received)),
            Err(error) => {
                tracing::warn!(name, %error, "cannot take over what the monitor before left; it is made anew")
            }
        }
    }
    Ok(Inherited { items })
}
