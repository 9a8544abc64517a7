//! What the server puts up with.

use std::time::Duration;

/// Bounds, all with defaults; the builder's methods tell what they are for.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) callback_time: Duration,
    /// For a request's head, and again for its body.
    pub(crate) read_time: Duration,
    pub(crate) stop_time: Duration,
    pub(crate) connections: usize,
    pub(crate) handlers: usize,
    pub(crate) body_bytes: usize,
}

/// A request's head: what a browser sends with a heavy load of cookies is below it.
pub(crate) const HEAD_BYTES: usize = 16 << 10;
pub(crate) const HEADERS: usize = 64;

/// How long a client may take to read its answer. One that does not read would keep its connection for ever.
pub(crate) const WRITE_TIME: Duration = Duration::from_secs(30);

impl Default for Limits {
    fn default() -> Self {
        Self {
            callback_time: Duration::from_secs(1),
            read_time: Duration::from_secs(5),
            stop_time: Duration::from_secs(5),
            connections: 256,
            handlers: 64,
            body_bytes: 64 << 10,
        }
    }
}

impl Limits {
    /// More than any connection can need that does as it should.
    pub(crate) fn connection_time(&self) -> Duration {
        self.read_time.saturating_mul(2).saturating_add(self.callback_time).saturating_add(WRITE_TIME)
    }
}
