//! Whose the other end of a TCP connection is.
//!
//! | file | asks |
//! | --- | --- |
//! | `diag` | the kernel, about one connection (sock_diag(7)) |
//! | `table` | `/proc/net/tcp`, which lists all, where the kernel cannot be asked |

mod diag;
mod table;

use std::net::SocketAddr;

#[cfg(test)]
type Way = fn(SocketAddr, SocketAddr) -> Option<u32>;

/// Whether it is told whose a connection is that its owner has closed on one side.
#[cfg(test)]
pub fn knows_half_closed(_peer: SocketAddr, _ours: SocketAddr) -> bool {
    true
}

/// Each way of asking, by its name.
#[cfg(test)]
pub const WAYS: [(&str, Way); 2] = [("table", table::owner_of), ("diag", diag::owner_of)];

/// See [`crate::peer::owner_of`].
pub fn owner_of(peer: SocketAddr, ours: SocketAddr) -> Option<u32> {
    if diag::works() {
        return diag::owner_of(peer, ours);
    }
    table::owner_of(peer, ours)
}

/// States of a connection (tcp_states.h) in which a program holds it and has taken part in its beginning. One that
/// has just asked for it (SYN_SENT) is somebody else, who was given the port of who is gone.
fn is_held(state: u8) -> bool {
    const ESTABLISHED: u8 = 1;
    const FIN_WAIT1: u8 = 4;
    const FIN_WAIT2: u8 = 5;
    const CLOSE_WAIT: u8 = 8;
    matches!(state, ESTABLISHED | FIN_WAIT1 | FIN_WAIT2 | CLOSE_WAIT)
}
