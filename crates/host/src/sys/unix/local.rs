//! Streams between processes of this user on this machine, found by a path: unix(7).

use super::short_path::ShortPath;
use crate::files::remove_if_there;
use std::fs::Permissions;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Listens at a path. Readable while somebody waits to be accepted.
#[derive(Debug)]
pub struct LocalListener(UnixListener);

impl LocalListener {
    /// Listens at `path`, where it appears only then, so that who finds it can connect. What another has left there is replaced.
    ///
    /// # Errors
    /// What the system said.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let new = with_suffix(path, ".new");
        remove_if_there(&new)?;
        let listener = UnixListener::bind(ShortPath::of(&new)?.as_path())?;
        // Others cannot enter the folder, so the moment before this is nobody's.
        std::fs::set_permissions(&new, Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        std::fs::rename(&new, path)?;
        Ok(Self(listener))
    }

    /// Who waits to be accepted. Programs that this process starts do not get the connection.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when nobody does.
    pub fn accept(&self) -> io::Result<LocalConnection> {
        let (connection, _) = self.0.accept()?;
        connection.set_nonblocking(true)?;
        Ok(LocalConnection(connection))
    }
}

impl AsFd for LocalListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A connection for which nothing waits.
#[derive(Debug)]
pub struct LocalConnection(UnixStream);

impl LocalConnection {
    /// Takes what has arrived. 0: the other end is gone.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when nothing has.
    pub fn receive(&self, bytes: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(bytes)
    }

    /// Sends what it can of `bytes`, and says how much.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when it can send nothing now.
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        (&self.0).write(bytes)
    }
}

impl AsFd for LocalConnection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A connection on which who reads and who writes waits. Reading and writing do not get into each other's way.
#[derive(Debug)]
pub struct LocalStream(UnixStream);

impl LocalStream {
    /// To who listens at `path`.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] or [`io::ErrorKind::ConnectionRefused`] when nobody does.
    pub fn connect(path: &Path) -> io::Result<Self> {
        UnixStream::connect(ShortPath::of(path)?.as_path()).map(Self)
    }

    /// How long a read or a write may wait; `None`: for good.
    ///
    /// # Errors
    /// What the system said.
    pub fn set_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_read_timeout(timeout)?;
        self.0.set_write_timeout(timeout)
    }

    /// Ends reading on this side: who waits to read sees the end.
    pub fn end_reading(&self) {
        // Fails only when the connection is over already.
        let _ = self.0.shutdown(Shutdown::Read);
    }

    /// Ends reading and writing.
    pub fn end(&self) {
        // As above.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

impl Read for &LocalStream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(bytes)
    }
}

impl Write for &LocalStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
