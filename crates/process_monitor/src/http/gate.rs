//! How many connections may stand: in all, and for each caller, so that none can use up what is there for all.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Who counts as one caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caller {
    /// A user of this machine; `None`: nobody knows which.
    User(Option<u32>),
    /// An address of IPv4.
    Address(Ipv4Addr),
    /// A network of IPv6: whoever has one address of a /64 has all of them (RFC 6177).
    Network([u8; 8]),
}

impl Caller {
    /// The caller at `peer`, which on this machine belongs to `user`.
    pub fn new(peer: IpAddr, user: Option<u32>) -> Self {
        match peer.to_canonical() {
            ip if ip.is_loopback() => Self::User(user),
            IpAddr::V4(ip) => Self::Address(ip),
            IpAddr::V6(ip) => {
                let [a, b, c, d, e, f, g, h, ..] = ip.octets();
                Self::Network([a, b, c, d, e, f, g, h])
            }
        }
    }
}

/// Lets connections in, as many as may stand. This machine's users and other hosts are counted apart, so that
/// others cannot keep this machine out. Clones share the count.
#[derive(Clone)]
pub struct Gate {
    total: usize,
    each: usize,
    inside: Arc<Mutex<Inside>>,
    complaints: Arc<AtomicU64>,
}

#[derive(Default)]
struct Inside {
    users: usize,
    others: usize,
    by_caller: HashMap<Caller, usize>,
}

impl Inside {
    fn all_like(&mut self, caller: Caller) -> &mut usize {
        match caller {
            Caller::User(_) => &mut self.users,
            Caller::Address(_) | Caller::Network(_) => &mut self.others,
        }
    }
}

/// One connection may stand until this is dropped.
pub struct Pass {
    gate: Gate,
    caller: Caller,
}

/// There is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// For nobody.
    #[error("all connections are in use")]
    ForAll,
    /// The monitor has few descriptors left, and needs them itself.
    #[error("the monitor needs its last descriptors itself; raise the limit (ulimit -n)")]
    NoDescriptors,
    /// For this caller.
    #[error("this caller has as many connections as one may have")]
    ForCaller,
}

impl Gate {
    /// Lets in `total` connections of this machine's users, as many of other hosts, and `each` of one caller.
    pub fn new(total: usize, each: usize) -> Self {
        Self { total, each, inside: Arc::default(), complaints: Arc::default() }
    }

    /// Writes to the log that `peer` was sent away: the first, the second, the fourth, the eighth …
    pub fn complain(&self, why: Full, peer: SocketAddr) {
        let times = self.complaints.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if times.is_power_of_two() {
            let (total, each) = (self.total, self.each);
            tracing::warn!(%peer, total, each, times, "a connection was refused: {why}");
        }
    }

    /// Lets `caller` in.
    ///
    /// # Errors
    /// [`Full`], when there is no room.
    pub fn enter(&self, caller: Caller) -> Result<Pass, Full> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if *inside.all_like(caller) >= self.total {
            return Err(Full::ForAll);
        }
        if inside.by_caller.get(&caller).is_some_and(|count| *count >= self.each) {
            return Err(Full::ForCaller);
        }
        *inside.all_like(caller) += 1;
        *inside.by_caller.entry(caller).or_default() += 1;
        Ok(Pass { gate: self.clone(), caller })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut inside = self.gate.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let all = inside.all_like(self.caller);
        *all = all.saturating_sub(1);
        if let Some(count) = inside.by_caller.get_mut(&self.caller) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                inside.by_caller.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(text: &str) -> Caller {
        Caller::new(text.parse().unwrap(), None)
    }

    #[test]
    fn one_caller_leaves_room_for_others() {
        let gate = Gate::new(3, 2);
        let (one, two) = (caller("10.0.0.1"), caller("10.0.0.2"));
        let first = gate.enter(one).ok().unwrap();
        let second = gate.enter(one);
        assert_eq!(gate.enter(one).err(), Some(Full::ForCaller));
        let other = gate.enter(two).ok().unwrap();
        assert_eq!(gate.enter(two).err(), Some(Full::ForAll));
        assert!(gate.enter(caller("127.0.0.1")).is_ok(), "others do not keep this machine out");
        drop(first);
        assert!(gate.enter(two).is_ok());
        drop((second, other));
        assert_eq!(gate.inside.lock().unwrap().by_caller.len(), 0, "nothing is remembered of who left");
    }

    #[test]
    fn who_is_one_caller() {
        assert_eq!(caller("2001:db8::1"), caller("2001:db8::2:3"));
        assert_ne!(caller("2001:db8::1"), caller("2001:db8:0:1::1"));
        assert_eq!(caller("::ffff:10.0.0.1"), caller("10.0.0.1"));
        assert_eq!(caller("::1"), caller("127.0.0.1"));
        assert_ne!(Caller::new([127, 0, 0, 1].into(), Some(1)), Caller::new([127, 0, 0, 1].into(), Some(2)));
    }
}
