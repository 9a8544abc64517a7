//! How much one peer may ask: a token bucket for each.

use crate::model::RateLimit;
use crate::time::Mono;
use core::net::IpAddr;
use std::collections::BTreeMap;
use std::time::Duration;

/// How many peers are told apart at the same time. With their bookkeeping they take less than 2 MiB.
pub const MAX_PEERS: usize = 16_384;

/// So often at most the peers are looked through for those that may be forgotten: it takes about a millisecond.
const SWEEP_EVERY: Duration = Duration::from_millis(500);

/// Who shares a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerKey {
    /// A user of this machine: one must not be able to use up what is another's.
    User(u32),
    /// An IPv4 address.
    V4(u32),
    /// The first 64 bits of an IPv6 address: one host may take any address within them.
    V6(u64),
}

impl PeerKey {
    /// The bucket of `address`; a mapped IPv4 address is the IPv4 address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::V4(v4.to_bits()),
            IpAddr::V6(v6) => Self::V6(u64::try_from(v6.to_bits() >> 64).unwrap_or(u64::MAX)),
        }
    }
}

/// Asked too much; how long to wait until the next request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests from this peer; try again in {} s", self.seconds())]
pub struct TooMany {
    /// Until there is a token again.
    pub wait: Duration,
}

impl TooMany {
    /// In whole seconds, for `Retry-After`: rounded up, so that who obeys is not refused again.
    pub fn seconds(&self) -> u64 {
        self.wait.as_secs() + u64::from(self.wait.subsec_nanos() > 0)
    }
}

/// The buckets of all peers. A bucket is one point in time (GCRA): when it will be full again. One that is full
/// already says the same as none, so forgetting it changes nothing; others are never forgotten. When even so there
/// are [`MAX_PEERS`], the peers that come then share one bucket until somebody's is full: many addresses gain
/// nothing by crowding others out, and memory stays bounded.
#[derive(Debug)]
pub struct Limiter {
    full_at: BTreeMap<PeerKey, Mono>,
    crowd_full_at: Mono,
    swept_at: Option<Mono>,
    /// What one request takes of a bucket.
    cost: Duration,
    /// What a full bucket holds.
    capacity: Duration,
}

impl Limiter {
    /// With all buckets full.
    pub fn new(limit: &RateLimit) -> Self {
        let mut limiter = Self {
            full_at: BTreeMap::new(),
            crowd_full_at: Mono::default(),
            swept_at: None,
            cost: Duration::ZERO,
            capacity: Duration::ZERO,
        };
        limiter.set(limit, Mono::default());
        limiter
    }

    /// The limit from now on. When it is another, nobody's bucket is refilled by that, but none stays emptier than it
    /// can be under the new one.
    pub fn set(&mut self, limit: &RateLimit, now: Mono) {
        let before = (self.cost, self.capacity);
        // A rate that validation lets through, however small or large, has a period that can be counted.
        let period = Duration::try_from_secs_f64(1.0 / limit.requests_per_second).unwrap_or(Duration::MAX);
        self.cost = period.clamp(Duration::from_nanos(1), Duration::from_secs(24 * 3600));
        self.capacity = self.cost.saturating_mul(limit.burst.max(1));
        if before != (self.cost, self.capacity) {
            let empty = now + self.capacity;
            self.full_at.values_mut().for_each(|full_at| *full_at = empty.min(*full_at));
            self.crowd_full_at = empty.min(self.crowd_full_at);
        }
    }

    /// Takes one token from the bucket of `peer`.
    ///
    /// # Errors
    /// When there is none; nothing is taken then, so who keeps asking is answered again at the rate.
    pub fn take(&mut self, peer: PeerKey, now: Mono) -> Result<(), TooMany> {
        let full_at = self.spent(peer, now);
        let after = full_at.max(now) + self.cost;
        let excess = after.since(now).saturating_sub(self.capacity);
        if !excess.is_zero() {
            return Err(TooMany { wait: excess });
        }
        match self.has_room_for(peer) {
            true => drop(self.full_at.insert(peer, after)),
            false => self.crowd_full_at = after,
        }
        Ok(())
    }

    /// Whether [`Self::take`] would succeed; takes nothing.
    ///
    /// # Errors
    /// When it would not.
    pub fn check(&mut self, peer: PeerKey, now: Mono) -> Result<(), TooMany> {
        let full_at = self.spent(peer, now);
        let excess = (full_at.max(now) + self.cost).since(now).saturating_sub(self.capacity);
        if excess.is_zero() { Ok(()) } else { Err(TooMany { wait: excess }) }
    }

    /// How many peers are remembered; at most [`MAX_PEERS`].
    pub fn remembered(&self) -> usize {
        self.full_at.len()
    }

    /// When the bucket that `peer` uses will be full.
    fn spent(&mut self, peer: PeerKey, now: Mono) -> Mono {
        if !self.has_room_for(peer) {
            self.sweep(now);
        }
        match self.full_at.get(&peer) {
            Some(full_at) => *full_at,
            None if self.has_room_for(peer) => now,
            None => self.crowd_full_at,
        }
    }

    fn has_room_for(&self, peer: PeerKey) -> bool {
        self.full_at.len() < MAX_PEERS || self.full_at.contains_key(&peer)
    }

    fn sweep(&mut self, now: Mono) {
        if self.swept_at.is_some_and(|at| now.since(at) < SWEEP_EVERY) {
            return;
        }
        self.swept_at = Some(now);
        self.full_at.retain(|_, full_at| *full_at > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limiter(requests_per_second: f64, burst: u32) -> Limiter {
        Limiter::new(&RateLimit { requests_per_second, burst, ..RateLimit::default() })
    }

    fn at(millis: u64) -> Mono {
        Mono::from_zero(Duration::from_millis(millis))
    }

    fn peer(text: &str) -> PeerKey {
        PeerKey::of(text.parse().unwrap())
    }

    #[test]
    fn who_shares_a_bucket() {
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::ffff:ffff:ffff:ffff"));
        assert_ne!(peer("2001:db8:0:1::1"), peer("2001:db8:0:2::1"));
        assert_eq!(peer("::ffff:10.0.0.1"), peer("10.0.0.1"));
        assert_ne!(peer("10.0.0.2"), peer("10.0.0.1"));
        assert_ne!(PeerKey::User(1), PeerKey::V4(1));
    }

    #[test]
    fn a_burst_then_the_rate() {
        let mut limiter = limiter(2.0, 3);
        let mut take = |millis| limiter.take(peer("10.0.0.1"), at(millis)).map_err(|no| no.wait.as_millis());
        assert_eq!([0, 0, 0].map(&mut take), [Ok(()); 3]);
        assert_eq!(take(0), Err(500));
        assert_eq!(take(400), Err(100), "asking took nothing");
        assert_eq!([500, 500].map(&mut take), [Ok(()), Err(500)]);
        assert_eq!([60_000; 4].map(&mut take), [Ok(()), Ok(()), Ok(()), Err(500)]);
        assert_eq!(limiter.take(peer("10.0.0.2"), at(0)), Ok(()), "another peer");
    }

    #[test]
    fn retry_after_is_in_whole_seconds_and_long_enough() {
        for (millis, seconds) in [(1, 1), (1000, 1), (1001, 2), (86_400_000, 86_400)] {
            assert_eq!(TooMany { wait: Duration::from_millis(millis) }.seconds(), seconds);
        }
    }

    #[test]
    fn a_million_addresses_take_bounded_memory_and_free_nobody() {
        let mut limiter = limiter(1.0, 2);
        let first = PeerKey::V4(0);
        limiter.take(first, at(0)).unwrap();
        limiter.take(first, at(0)).unwrap();
        let let_through = (1..1_000_000).filter(|n| limiter.take(PeerKey::V4(*n), at(1)).is_ok()).count();
        assert_eq!(limiter.remembered(), MAX_PEERS);
        // One request of each that is remembered, and the bucket of all others.
        assert_eq!(let_through, MAX_PEERS - 1 + 2);
        assert!(limiter.take(first, at(1)).is_err(), "not forgotten, so not free again");
        // Once buckets are full they make room.
        limiter.take(PeerKey::V6(7), at(10_000)).unwrap();
        assert_eq!(limiter.remembered(), 1);
    }

    #[test]
    fn extreme_limits_are_obeyed() {
        for (rate, burst) in [(f64::MIN_POSITIVE, u32::MAX), (f64::MAX, 1), (1e-9, 1), (1e12, u32::MAX)] {
            let mut limiter = limiter(rate, burst);
            assert_eq!(limiter.take(PeerKey::V4(1), at(0)), Ok(()), "{rate} {burst}");
        }
        assert!(limiter(1e-9, 1).take(PeerKey::V4(1), at(0)).is_ok());
    }

    #[test]
    fn another_limit_counts_at_once_and_refills_nobody() {
        let mut limiter = limiter(0.01, 1);
        limiter.take(PeerKey::V4(1), at(0)).unwrap();
        limiter.set(&RateLimit { requests_per_second: 10.0, burst: 5, ..RateLimit::default() }, at(0));
        let mut take = |millis| limiter.take(PeerKey::V4(1), at(millis)).map_err(|no| no.wait.as_millis());
        assert_eq!([0, 100, 100].map(&mut take), [Err(100), Ok(()), Err(100)]);
    }

    #[test]
    fn checking_takes_nothing() {
        let mut limiter = limiter(1.0, 1);
        assert_eq!([0, 0].map(|now| limiter.check(PeerKey::V4(1), at(now))), [Ok(()); 2]);
        limiter.take(PeerKey::V4(1), at(0)).unwrap();
        assert_eq!(limiter.check(PeerKey::V4(1), at(400)), Err(TooMany { wait: Duration::from_millis(600) }));
    }

    proptest! {
        /// Whatever comes when: no more than the burst and what the rate adds.
        #[test]
        fn never_more_than_burst_and_rate(
            waits in proptest::collection::vec(0u64..300, 1..200), rate in 1u32..50, burst in 1u32..20,
        ) {
            let mut limiter = limiter(rate.into(), burst);
            let (mut now, mut passed) = (0, 0u64);
            for wait in waits {
                now += wait;
                passed += u64::from(limiter.take(PeerKey::V4(1), at(now)).is_ok());
                // One more for the rounding of a period to nanoseconds.
                prop_assert!(passed <= u64::from(burst) + now * u64::from(rate) / 1000 + 1);
            }
        }

        #[test]
        fn who_waits_as_told_is_answered(rate in 0.01f64..1000.0, burst in 1u32..20) {
            let mut limiter = limiter(rate, burst);
            let mut now = at(0);
            for _ in 0..50 {
                if let Err(no) = limiter.take(PeerKey::V4(1), now) {
                    now = now + no.wait;
                    prop_assert_eq!(limiter.take(PeerKey::V4(1), now), Ok(()));
                }
            }
        }
    }
}
