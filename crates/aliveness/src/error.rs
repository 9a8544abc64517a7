//! What can go wrong: when the server starts, and when the service manager is told something.

use std::fmt;
use std::io;
use std::net::SocketAddr;

/// Why the server did not start, or the service manager was not told.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The address cannot be listened on.
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The server's thread, or its runtime, could not be started.
    Start {
        /// What the system said.
        source: io::Error,
    },
    /// A custom route that cannot be: no path, or one that is taken.
    Route {
        /// Its method and path.
        route: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The service manager could not be told.
    Notify {
        /// What it was to be told, such as `READY=1`.
        message: String,
        /// The value of `NOTIFY_SOCKET`.
        socket: String,
        /// What the system said.
        source: io::Error,
    },
    /// A variable of the environment that the service manager set makes no sense.
    Environment {
        /// Its name.
        name: &'static str,
        /// What it holds.
        value: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind { address, source } => {
                write!(f, "cannot listen on {address} for health requests: {source}")?;
                match source.kind() {
                    io::ErrorKind::AddrInUse => {
                        write!(f, "; end what listens there, or choose another port (0 takes a free one)")
                    }
                    io::ErrorKind::PermissionDenied => write!(f, "; choose a port from 1024 on"),
                    io::ErrorKind::AddrNotAvailable => write!(f, "; bind to an address of this machine"),
                    _ => Ok(()),
                }
            }
            Self::Start { source } => {
                write!(
                    f,
                    "cannot start the thread of the health server: {source}; look at the limits of the process"
                )
            }
            Self::Route { route, problem } => write!(f, "cannot serve the custom route {route}: {problem}"),
            Self::Notify { message, socket, source } => {
                write!(f, "cannot send {message} to the service manager at NOTIFY_SOCKET={socket}: {source}")
            }
            Self::Environment { name, value } => {
                write!(
                    f,
                    "cannot use {name}={value:?} of the environment: it is not a whole number above 0; "
                )?;
                write!(f, "the service manager sets it, nobody else should")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bind { source, .. } | Self::Start { source } | Self::Notify { source, .. } => Some(source),
            Self::Route { .. } | Self::Environment { .. } => None,
        }
    }
}
