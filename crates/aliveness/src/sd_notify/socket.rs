//! One datagram to the service manager.

use std::ffi::OsStr;
use std::io;

/// Sends `message` to `target`, the value of `NOTIFY_SOCKET`. `Ok(false)` where there are no such sockets.
#[cfg(unix)]
pub(super) fn send(target: &OsStr, message: &[u8]) -> io::Result<bool> {
    use std::os::unix::net::UnixDatagram;
    use std::time::Duration;

    let address = address(target)?;
    let socket = UnixDatagram::unbound()?;
    // A manager that does not read would otherwise hang the program that it manages.
    socket.set_write_timeout(Some(Duration::from_secs(5)))?;
    socket.send_to_addr(message, &address)?;
    Ok(true)
}

#[cfg(not(unix))]
pub(super) fn send(_target: &OsStr, _message: &[u8]) -> io::Result<bool> {
    Ok(false)
}

/// sd_notify(3): a path, or `@` and the name of an abstract socket. (`vsock:` is for virtual machines, not for programs.)
#[cfg(unix)]
fn address(target: &OsStr) -> io::Result<std::os::unix::net::SocketAddr> {
    use std::os::unix::ffi::OsStrExt;

    match target.as_bytes() {
        [b'/', ..] => std::os::unix::net::SocketAddr::from_pathname(target),
        [b'@', name @ ..] => abstract_address(name),
        _ => Err(unsupported("it is neither an absolute path nor @ and a name")),
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn abstract_address(name: &[u8]) -> io::Result<std::os::unix::net::SocketAddr> {
    #[cfg(target_os = "android")]
    use std::os::android::net::SocketAddrExt;
    #[cfg(target_os = "linux")]
    use std::os::linux::net::SocketAddrExt;

    std::os::unix::net::SocketAddr::from_abstract_name(name)
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn abstract_address(_name: &[u8]) -> io::Result<std::os::unix::net::SocketAddr> {
    Err(unsupported("only Linux has addresses that begin with @"))
}

#[cfg(unix)]
fn unsupported(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, why)
}
