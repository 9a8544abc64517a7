//! Being the one logger of an instance, and being found.

use super::LoggerError;
use crate::files::create_folders;
use crate::layout::Layout;
use crate::lock::LifeLock;
use crate::output::error::failed;
use crate::socket::ShortPath;
use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
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
pub(super) fn listener(layout: &Layout) -> Result<UnixListener, LoggerError> {
    let path = layout.logger_socket();
    let new = with_suffix(&path, ".new");
    let listener = bind_at(&new).map_err(failed("listen on", &new))?;
    std::fs::rename(&new, &path).map_err(failed("put in place the socket", &path))?;
    Ok(listener)
}

fn bind_at(path: &Path) -> std::io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(ShortPath::of(path)?.as_path())?;
    // Others cannot enter the folder, so the moment before this is nobody's.
    std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
