//! Why a check failed, in words for the one who registered the program. The target is said elsewhere.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::Duration;

/// Why a check failed.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It took longer than it may.
    #[error("timed out after {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// Nobody listens there.
    #[error("connection refused")]
    Refused,
    /// The connection was broken off.
    #[error("the connection was closed before the answer was complete")]
    Closed,
    /// Another error of the network.
    #[error("{0}")]
    Network(String),
    /// The name of the host cannot be resolved.
    #[error("{0}")]
    Name(String),
    /// The other side cannot be trusted.
    #[error("TLS: {0}; if the certificate is self-signed, set alivenessCheck.verifyTls to false")]
    Tls(String),
    /// An answer came, and does not mean healthy.
    #[error("{0}")]
    Answer(String),
    /// It answered, and went on and on.
    #[error("body longer than {} KiB", .0 / 1024)]
    Endless(usize),
    /// It sends us to another server.
    #[error("status {status}, redirects to {to}, which is another server; check that address instead")]
    Elsewhere {
        /// The status.
        status: u16,
        /// Where.
        to: String,
    },
    /// It sends us round in circles.
    #[error("redirected more than {0} times")]
    Circles(usize),
    /// What is to be asked is no URL or address.
    #[error("{0:?} cannot be asked; correct it in alivenessCheck")]
    Target(String),
    /// The program of the check could not be started.
    #[error("cannot be started: {0}")]
    NotStarted(String),
    /// The program of the check says no.
    #[error("{how}{said}")]
    Program {
        /// How it ended.
        how: String,
        /// `: ` and the last line it printed, if it did.
        said: String,
    },
    /// The monitor ended before there was an answer.
    #[error("the monitor ended before there was an answer")]
    Stopped,
}

impl ProbeError {
    /// From an error of a connection.
    pub(super) fn io(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::Refused,
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Network(error.to_string()),
        }
    }

    /// From whatever a client says, by what is at the bottom of it.
    pub(super) fn client(error: &(dyn Error + 'static)) -> Self {
        let mut below: Option<&(dyn Error + 'static)> = Some(error);
        let mut last = error;
        while let Some(error) = below {
            if let Some(Unresolved(why)) = error.downcast_ref() {
                return Self::Name(why.clone());
            }
            if let Some(error) = error.downcast_ref::<rustls::Error>() {
                return Self::Tls(error.to_string());
            }
            if let Some(error) = error.downcast_ref::<io::Error>() {
                // An error within one of the system's is wrapped without being its source.
                match error.get_ref() {
                    Some(inner) => {
                        below = Some(inner);
                        continue;
                    }
                    None => return Self::io(error),
                }
            }
            if error.downcast_ref().is_some_and(hyper::Error::is_incomplete_message) {
                return Self::Closed;
            }
            last = error;
            below = error.source();
        }
        Self::Network(last.to_string())
    }
}

/// A name that does not resolve, on its way through a client.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unresolved(pub(super) String);
