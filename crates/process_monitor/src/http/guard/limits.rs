//! How much one peer may ask, and how often it may show a token that is none.

use process_monitor_core::access::rate::{Limiter, PeerKey, TooMany};
use process_monitor_core::model::{RateLimit, RemoteAccess};
use process_monitor_host::clock::Clock;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bad tokens of one peer: as many at once, then one every two seconds. Nobody guesses 256 bits; this keeps the
/// log and the processor quiet.
const BAD_TOKENS: (f64, u32) = (0.5, 10);

/// The buckets of all peers.
pub struct Limits {
    clock: Clock,
    requests: Mutex<Limiter>,
    bad_tokens: Mutex<Limiter>,
}

impl Default for Limits {
    fn default() -> Self {
        let (requests_per_second, burst) = BAD_TOKENS;
        let bad_tokens = RateLimit { requests_per_second, burst, ..RateLimit::default() };
        Self {
            clock: Clock::default(),
            requests: Mutex::new(Limiter::new(&RateLimit::default())),
            bad_tokens: Mutex::new(Limiter::new(&bad_tokens)),
        }
    }
}

impl Limits {
    /// Counts a request of `peer`.
    ///
    /// # Errors
    /// When there have been too many.
    pub fn request(&self, peer: PeerKey, access: &RemoteAccess) -> Result<(), TooMany> {
        let mut requests = lock(&self.requests);
        let now = self.clock.mono();
        requests.set(&access.rate_limit(), now);
        requests.take(peer, now)
    }

    /// Whether a token of `peer` is looked at.
    ///
    /// # Errors
    /// When too many have been bad.
    pub fn may_show_token(&self, peer: Option<PeerKey>) -> Result<(), TooMany> {
        peer.map_or(Ok(()), |peer| lock(&self.bad_tokens).check(peer, self.clock.mono()))
    }

    /// Counts a bad token.
    pub fn showed_bad_token(&self, peer: Option<PeerKey>) {
        if let Some(peer) = peer {
            // Whether there was room for it was asked before.
            let _counted = lock(&self.bad_tokens).take(peer, self.clock.mono());
        }
    }
}

fn lock(limiter: &Mutex<Limiter>) -> MutexGuard<'_, Limiter> {
    limiter.lock().unwrap_or_else(PoisonError::into_inner)
}
