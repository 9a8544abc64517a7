//! How a monitor is followed by a fresh one in the same process (SPEC 4.7).
//!
//! 1. The executable that is to follow rehearses ([`Succession::begin`]). If it cannot, nothing has happened.
//! 2. Listeners stop accepting, requests under way are finished, streams end; who connects waits in the kernel (`serve`).
//! 3. Supervision ends without stopping anything, and tells what files do not tell ([`Legacy`]).
//! 4. The exec (`host::handover`), with the listeners, the instance's lock and the legacy.
//!
//! Children stay children: one that ends meanwhile waits as a zombie for whoever comes.

use process_monitor_client::api::ProcessEvent;
use process_monitor_core::engine::Memory;
use process_monitor_host::handover::{
    Bequest, Heirloom, Inherited, REHEARSED_WITHIN, RehearsalError, rehearse,
};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The instance's lock.
pub const LOCK: &str = "lock";
/// The control socket.
pub const CONTROL: &str = "control";
/// The aliveness server's listener.
pub const ALIVENESS: &str = "aliveness";
/// The API's listeners.
pub const API: &str = "api";
/// The sockets by which runs say how they are (sd_notify(3)).
pub const NOTICES: &str = "notices";
/// What files do not tell.
pub const LEGACY: &str = "legacy";

/// How many of [`NOTICES`] are handed over: the names of all must fit into one variable (execve(2): 128 KiB). Those of
/// more are opened anew.
const MOST_NOTICES: usize = 8_000;

/// What is to stay open while monitors change, and whether they do. Clones share it.
#[derive(Clone)]
pub struct Succession(Arc<Shared>);

struct Shared {
    executable: PathBuf,
    args: Vec<OsString>,
    /// `None` once they are on their way.
    kept: Mutex<Option<Vec<Item>>>,
    next: AtomicU64,
    /// Listeners that were left to this monitor, until somebody wants them.
    inherited: Mutex<Vec<(&'static str, TcpListener)>>,
    begun: watch::Sender<bool>,
    /// One rehearsal at a time.
    rehearsing: tokio::sync::Mutex<()>,
}

struct Item {
    number: u64,
    name: &'static str,
    descriptor: Heirloom,
}

/// A listener that the next monitor gets, until this is dropped: then it is no longer wanted.
pub struct Kept {
    succession: Succession,
    number: u64,
}

/// Why a monitor is not followed by another. It goes on.
#[derive(Debug, thiserror::Error)]
pub enum NotFollowed {
    /// The one that was to follow can't.
    #[error("{0}; this monitor goes on, and nothing was changed")]
    Rehearsal(#[from] RehearsalError),
    /// It is on its way down.
    #[error("the monitor is stopping; start it again when it has stopped")]
    Stopping,
    /// The rehearsal could not be held.
    #[error("cannot hold a rehearsal: {0}; this monitor goes on, and nothing was changed")]
    Thread(String),
}

impl Succession {
    /// `executable` with the arguments of this process is to follow, when that is wanted.
    pub fn new(executable: PathBuf, inherited: &mut Inherited) -> Self {
        let of = |name| inherited.take_tcp(name).into_iter().map(move |listener| (name, listener));
        Self(Arc::new(Shared {
            inherited: Mutex::new([ALIVENESS, API].into_iter().flat_map(of).collect()),
            executable,
            args: std::env::args_os().skip(1).collect(),
            kept: Mutex::new(Some(Vec::new())),
            next: AtomicU64::new(0),
            begun: watch::Sender::new(false),
            rehearsing: tokio::sync::Mutex::default(),
        }))
    }

    /// What is to follow.
    pub fn executable(&self) -> &Path {
        &self.0.executable
    }

    /// The listener that was left to us under `name` at `address` (port 0: at any port), so that it never closed.
    pub fn inherit_tcp(&self, name: &str, address: SocketAddr) -> Option<TcpListener> {
        let fits = |listener: &TcpListener| {
            let port = |at: SocketAddr| address.port() == 0 || address.port() == at.port();
            listener.local_addr().is_ok_and(|at| at.ip() == address.ip() && port(at))
        };
        let mut inherited = self.0.inherited.lock().unwrap_or_else(PoisonError::into_inner);
        let at = inherited.iter().position(|(has, listener)| *has == name && fits(listener))?;
        let (_, listener) = inherited.swap_remove(at);
        listener.set_nonblocking(true).is_ok().then_some(listener)
    }

    /// Closes what nobody wanted of that name: who connects there would wait for ever.
    pub fn close_uninherited(&self, name: &str) {
        self.0.inherited.lock().unwrap_or_else(PoisonError::into_inner).retain(|(has, _)| *has != name);
    }

    /// Has the next monitor get `listener` under `name`. It stays open until both the one who serves and this let go.
    pub fn keep(&self, name: &'static str, listener: Heirloom) -> Kept {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        if let Some(kept) = self.kept().as_mut() {
            kept.push(Item { number, name, descriptor: listener });
        }
        Kept { succession: self.clone(), number }
    }

    fn kept(&self) -> MutexGuard<'_, Option<Vec<Item>>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds a rehearsal; if it goes well, the change begins. Returns the version that follows.
    ///
    /// # Errors
    /// [`NotFollowed`]; everything is as it was.
    pub async fn begin(&self) -> Result<String, NotFollowed> {
        let _one = self.0.rehearsing.lock().await;
        if *self.0.begun.borrow() {
            // Somebody else wanted it, too.
            return Ok(env!("CARGO_PKG_VERSION").to_owned());
        }
        let shared = Arc::clone(&self.0);
        let held = move || rehearse(&shared.executable, &shared.args, REHEARSED_WITHIN);
        let held = tokio::task::spawn_blocking(held).await;
        let version = held.map_err(|panicked| NotFollowed::Thread(panicked.to_string()))??;
        self.0.begun.send_replace(true);
        Ok(version)
    }

    /// Returns when the change has begun.
    pub async fn begun(&self) {
        let mut begun = self.0.begun.subscribe();
        // The sender lives as long as this.
        let _never_closed = begun.wait_for(|begun| *begun).await;
    }

    /// What the next monitor gets: everything that is kept at this moment.
    pub fn bequest(&self) -> Bequest {
        let mut bequest = Bequest::default();
        for item in self.kept().take().into_iter().flatten() {
            bequest.add(item.name, item.descriptor);
        }
        bequest
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(kept) = self.succession.kept().as_mut() {
            kept.retain(|item| item.number != self.number);
        }
    }
}

/// What is left of supervision that did not stop anything.
#[derive(Default)]
pub struct Estate {
    /// What the engine knew.
    pub memories: Vec<Memory>,
    /// Where runs say how they are: open all the while, so that nothing of it is refused.
    pub notices: Vec<Heirloom>,
}

impl Estate {
    /// Adds it, with the events of late, to what the next monitor gets.
    pub fn add_to(self, events: EventLog, bequest: &mut Bequest) {
        for socket in self.notices.into_iter().take(MOST_NOTICES) {
            bequest.add(NOTICES, socket);
        }
        Legacy { events, memories: self.memories }.add_to(bequest);
    }
}

/// What a monitor knows that no file tells. It goes on in memory, and is lost with the next monitor should that one die at
/// once; what must not be lost is in files.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Legacy {
    /// The events of late.
    pub events: EventLog,
    /// What the engine knew.
    pub memories: Vec<Memory>,
}

/// The events of late, with the ids by which clients go on.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EventLog {
    /// In front of each number.
    pub epoch: String,
    /// The number of the next event.
    pub next: u64,
    /// Those that are kept, the oldest first.
    pub events: Vec<Arc<ProcessEvent>>,
}

impl Legacy {
    /// What the monitor before left, if that was an earlier image of this very process. One that cannot be understood is
    /// as good as none: files tell what must not be lost.
    pub fn from(inherited: &mut Inherited) -> Option<Self> {
        let bytes = inherited.take_bytes(LEGACY).unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot read what the monitor before left; listeners will miss events");
            None
        })?;
        let understood = serde_json::from_slice(&bytes);
        understood
            .inspect_err(|error| {
                tracing::warn!(%error, "cannot understand what the monitor before left; listeners will miss events");
            })
            .ok()
    }

    fn add_to(&self, bequest: &mut Bequest) {
        let added = serde_json::to_vec(self)
            .map_err(io::Error::other)
            .and_then(|bytes| bequest.add_bytes(LEGACY, &bytes));
        if let Err(error) = added {
            tracing::warn!(%error, "cannot hand over what happened of late; listeners will miss events");
        }
    }
}
