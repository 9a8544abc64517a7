//! Being the one logger of an instance, and being found.

use super::LoggerError;
use crate::files::create_folders;
use crate::layout::Layout;
use crate::lock::LifeLock;
use crate::output::error::failed;
use crate::socket::ShortPath;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// How long a dying logger may keep the lock.
const HANDOVER: Duration = Duration::from_secs(2);

/// Takes the lock; `None` when another logger serves this instance.
pub(super) fn acquire(layout: &Layout) -> Result<Option<LifeLock>, LoggerError> {
    create_folders(&layout.state())?;
    let path = layout.logger_lock();
    if let Some(lock) = LifeLock::try_acquire(&path)? {
        return Ok(Some(lock));
    }
    if is_served(&layout.logger_socket()) || !wait_for(&path) {
        return Ok(None);
    }
    Ok(LifeLock::try_acquire(&path)?)
}

fn is_served(socket: &Path) -> bool {
    ShortPath::of(socket).is_ok_and(|short| UnixStream::connect(short.as_path()).is_ok())
}

/// Waits until nobody holds the lock. flock(2) knows no timeout, hence the thread; when it is too
/// late, this process ends and the thread with it.
fn wait_for(lock: &Path) -> bool {
    let Ok(file) = File::open(lock) else { return false };
    let (sender, released) = mpsc::channel();
    let waiting = std::thread::Builder::new().spawn(move || {
        let free = file.lock().is_ok();
        // Before it is said, or we would be in our own way.
        drop(file);
        // Nobody listens any more when it took too long.
        let _ = sender.send(free);
    });
    waiting.is_ok() && released.recv_timeout(HANDOVER).unwrap_or(false)
}

/// The socket, listening. It appears under its name only then, so that who finds it can connect;
/// one that a killed logger left is replaced.
pub(super) fn listener(layout: &Layout) -> Result<OwnedFd, LoggerError> {
    let path = layout.logger_socket();
    let new = with_suffix(&path, ".new");
    let listener = bind_at(&new).map_err(failed("listen on", &new))?;
    std::fs::rename(&new, &path).map_err(failed("put in place the socket", &path))?;
    Ok(listener)
}

fn bind_at(path: &Path) -> std::io::Result<OwnedFd> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    // Before bind(2), which gives the file the socket's own mode (unix(7)): never open to others.
    rustix::fs::fchmod(&socket, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)?;
    bind(&socket, &SocketAddrUnix::new(ShortPath::of(path)?.as_path())?)?;
    listen(&socket, 16)?;
    Ok(socket)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
