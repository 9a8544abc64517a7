//! The control socket: a Unix socket in a folder that lets in nobody but its user.

use super::handover::{Inherited, listens};
use super::short_path::ShortPath;
use crate::files::remove_if_there;
use std::fs::{self, Permissions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net;
use std::path::Path;
use tokio::net::{UnixListener, UnixStream};

/// The end of a connection that a monitor has.
pub type Accepted = UnixStream;

/// The end of a connection that a client has.
pub type Connection = UnixStream;

/// See [`crate::control::ControlListener`].
#[derive(Debug)]
pub struct ControlListener(UnixListener);

impl ControlListener {
    /// Listens at `path`: on the socket `name` that the monitor before in this process left, so that it never closed, if
    /// it still is where clients look for it, else on a new one. What an earlier monitor left in its place is removed: the
    /// caller holds the instance's lock, so nobody serves it. The folder around it has to be 0700, so that it is nobody
    /// else's in the moment before its own mode is set. Needs a runtime.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn listen(path: &Path, inherited: &mut Inherited, name: &str) -> io::Result<Self> {
        let inherited = inherited.take(name).filter(|_| is_socket(path)).filter(listens);
        // Whatever else listens under that name has no such address.
        let inherited =
            inherited.map(net::UnixListener::from).filter(|listener| listener.local_addr().is_ok());
        let listener = match inherited {
            Some(listener) => {
                listener.set_nonblocking(true)?;
                UnixListener::from_std(listener)?
            }
            None => bind(path)?,
        };
        Ok(Self(listener))
    }

    /// The next client. Nothing is lost when this is dropped before it returns.
    ///
    /// # Errors
    /// Those of accept(2).
    pub async fn accept(&self) -> io::Result<Accepted> {
        self.0.accept().await.map(|(stream, _)| stream)
    }

    /// Takes nobody in any more: who connects from now on waits in the kernel for the monitor that follows. Gives the client
    /// who had come already; here he waits there, too.
    ///
    /// # Errors
    /// Never, here.
    pub async fn rest(&self) -> io::Result<Option<Accepted>> {
        Ok(None)
    }

    /// Takes the socket's name away, so that clients see at once that nobody is there any more.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn remove(path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

impl AsFd for ControlListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    remove_if_there(path)?;
    let listener = UnixListener::bind(ShortPath::of(path)?.as_path())?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

/// See [`crate::control::connect`].
pub async fn connect(path: &Path) -> io::Result<Connection> {
    UnixStream::connect(ShortPath::of(path)?.as_path()).await
}
