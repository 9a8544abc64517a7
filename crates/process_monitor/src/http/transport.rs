//! How a request reached us: what the transport knows, before anybody says anything about himself.

use std::net::SocketAddr;

/// Put into every request's extensions by whoever took the connection. With TCP there is a
/// [`Holder`](process_monitor_core::access::Holder) beside it: asked for when the connection was taken, it holds for as
/// long as that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// The control socket: its folder lets nobody but the monitor's own user in.
    Control,
    /// TCP, with TLS or without.
    Tcp {
        /// The other end of the socket, whatever the request's headers claim.
        peer: SocketAddr,
        /// Our end.
        ours: SocketAddr,
        /// Whether TLS is spoken.
        tls: bool,
    },
}
