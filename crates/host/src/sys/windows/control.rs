//! The control pipe. Who may open it the system itself decides: its own user and the system, on this machine, and nobody
//! who is trusted less than the monitor (`security`).

use super::files::remove_file;
use super::handover::{Gift, Heir, Heritable, Inherited};
use super::object::is;
use super::pipe;
use crate::fd::BorrowedFd;
use std::io::{self, ErrorKind};
use std::os::windows::io::{AsRawHandle, IntoRawHandle, OwnedHandle};
use std::path::Path;
use std::time::Duration;
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};
use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, ERROR_PIPE_BUSY};

/// The end of a connection that a monitor has.
pub type Accepted = NamedPipeServer;

/// The end of a connection that a client has.
pub type Connection = NamedPipeClient;

/// How long a client waits to be let in, which may take as long as one monitor follows another. Who cannot wait as long has a
/// time of his own, as on Unix, where he would wait in the kernel.
const LET_IN_WITHIN: Duration = Duration::from_secs(60);

/// Between two tries of a client.
const BETWEEN_TRIES: Duration = Duration::from_millis(2);

/// Between a client's coming and the runtime's hearing of it.
const SEEN_WITHIN: Duration = Duration::from_millis(1);

/// See [`crate::control::ControlListener`].
#[derive(Debug)]
pub struct ControlListener {
    name: String,
    next: Mutex<Next>,
}

/// The instance to which the next client connects.
#[derive(Debug)]
enum Next {
    /// It is waited for here.
    Served(NamedPipeServer),
    /// The monitor that follows will see to him.
    Parked(OwnedHandle),
}

impl ControlListener {
    /// Listens at `path`: on the pipe `name` that the monitor before left, so that it never closed, else on a new one.
    /// Needs a runtime.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn listen(path: &Path, inherited: &mut Inherited, name: &str) -> io::Result<Self> {
        if let (Some(instance), Ok(name)) = (inherited.take(name), pipe::published_at(path)) {
            return Ok(Self { name, next: Mutex::new(Next::Served(served(instance)?)) });
        }
        let name = pipe::fresh_name()?;
        let next = Mutex::new(Next::Served(served(pipe::create(&name, true)?)?));
        pipe::publish(path, &name)?;
        Ok(Self { name, next })
    }

    /// The next client. Nothing is lost when this is dropped before it returns.
    ///
    /// # Errors
    /// When the system has no further instance of the pipe.
    pub async fn accept(&self) -> io::Result<Accepted> {
        let mut next = self.next.lock().await;
        let Next::Served(waiting) = &mut *next else { return std::future::pending().await };
        while let Err(error) = waiting.connect().await {
            // Who came has gone already.
            tracing::trace!(%error, "a client of the control pipe is gone");
            waiting.disconnect()?;
        }
        match pipe::create(&self.name, false).and_then(served) {
            Ok(further) => Ok(std::mem::replace(waiting, further)),
            Err(error) => {
                waiting.disconnect()?;
                Err(error)
            }
        }
    }

    /// Takes nobody in any more: who connects from now on waits for the monitor that follows. Gives the client who had come
    /// already.
    ///
    /// # Errors
    /// When the system has no further instance of the pipe.
    pub async fn rest(&self) -> io::Result<Option<Accepted>> {
        let mut next = self.next.lock().await;
        if matches!(*next, Next::Parked(_)) {
            return Ok(None);
        }
        // An instance that was waited for here cannot be waited for by another process ("CreateIoCompletionPort": a handle
        // belongs to one port for life), so there is another before this one goes.
        let parked = Next::Parked(pipe::create(&self.name, false)?);
        let Next::Served(waiting) = std::mem::replace(&mut *next, parked) else { return Ok(None) };
        let came = timeout(SEEN_WITHIN, waiting.connect()).await;
        Ok(matches!(came, Ok(Ok(()))).then_some(waiting))
    }

    /// Takes the pipe's file away, so that clients see at once that nobody is there any more.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn remove(path: &Path) -> io::Result<()> {
        remove_file(path)
    }
}

/// The monitor that follows gets the instance to which clients connect while monitors change.
impl Heritable for ControlListener {
    fn give(&self, heir: &Heir<'_>) -> io::Result<Gift> {
        match self.next.try_lock().as_deref() {
            Ok(Next::Parked(parked)) => heir.duplicate(parked),
            _ => heir.duplicate(&pipe::create(&self.name, false)?),
        }
    }
}

fn served(instance: OwnedHandle) -> io::Result<NamedPipeServer> {
    // SAFETY: it is an instance of a named pipe, overlapped, and ours alone.
    unsafe { NamedPipeServer::from_raw_handle(instance.into_raw_handle()) }
}

/// See [`crate::control::connect`].
pub async fn connect(path: &Path) -> io::Result<Connection> {
    let begun = Instant::now();
    loop {
        // Anew each time: another monitor may have come meanwhile.
        let opened = ClientOptions::new().open(pipe::published_at(path)?);
        match opened {
            Err(error) if is(&error, ERROR_PIPE_BUSY) && begun.elapsed() < LET_IN_WITHIN => {
                sleep(BETWEEN_TRIES).await;
            }
            Err(error) if is(&error, ERROR_FILE_NOT_FOUND) => {
                return Err(io::Error::new(ErrorKind::ConnectionRefused, error));
            }
            opened => {
                let connection = opened?;
                // SAFETY: it is open for as long as it is asked about.
                pipe::ensure_ours(unsafe { BorrowedFd::borrow_raw(connection.as_raw_handle()) })?;
                return Ok(connection);
            }
        }
    }
}
