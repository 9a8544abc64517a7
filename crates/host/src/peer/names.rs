//! The names of addresses, verified: the name that an address has (its PTR record, or `/etc/hosts`) counts only when
//! that name leads back to the address. Whoever runs an address block can give his addresses any name.

use crate::survey::host_name;
use std::collections::HashMap;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};

/// How many addresses are remembered.
const REMEMBERED: usize = 1024;

/// How many look-ups may be under way: each takes a thread for as long as the resolver likes.
const AT_ONCE: usize = 8;

/// How long a name is believed.
const FRESH: Duration = Duration::from_secs(300);

/// How long it is believed that there is none.
const FRESH_NOTHING: Duration = Duration::from_secs(60);

/// How long a request waits for a look-up. Long enough for a resolver that works, so that the first request of a
/// trusted host is not refused; who asks later finds the answer in any case.
const PATIENCE: Duration = Duration::from_secs(2);

type Found = Arc<[String]>;

struct Lookup {
    answer: watch::Receiver<Option<Found>>,
    since: Instant,
}

impl Lookup {
    fn is_of_use(&self) -> bool {
        let answer = self.answer.borrow();
        let under_way = answer.is_none() && self.answer.has_changed().is_ok();
        let fresh =
            if answer.as_ref().is_some_and(|names| !names.is_empty()) { FRESH } else { FRESH_NOTHING };
        under_way || self.since.elapsed() < fresh
    }
}

/// Knows names. Clones share what they know.
#[derive(Clone)]
pub struct Names {
    lookups: Arc<Mutex<HashMap<IpAddr, Lookup>>>,
    permits: Arc<Semaphore>,
}

impl Default for Names {
    fn default() -> Self {
        Self { lookups: Arc::default(), permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Names {
    /// The verified names of `address`. None when the resolver takes longer than [`PATIENCE`], or when too much is
    /// looked up already: then it is taken for a host without a name, and its next request may find one.
    pub async fn of(&self, address: IpAddr) -> Found {
        let Some(mut answer) = self.begin(address.to_canonical()) else { return Found::default() };
        let found = tokio::time::timeout(PATIENCE, answer.wait_for(Option::is_some)).await;
        let found = found.ok().and_then(Result::ok).and_then(|names| names.clone());
        found.unwrap_or_default()
    }

    fn begin(&self, address: IpAddr) -> Option<watch::Receiver<Option<Found>>> {
        let mut lookups = self.lookups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lookup) = lookups.get(&address).filter(|lookup| lookup.is_of_use()) {
            return Some(lookup.answer.clone());
        }
        if lookups.len() >= REMEMBERED {
            lookups.retain(|_, lookup| lookup.is_of_use());
        }
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok();
        let permit = permit.filter(|_| lookups.len() < REMEMBERED)?;
        let (tell, answer) = watch::channel(None);
        lookups.insert(address, Lookup { answer: answer.clone(), since: Instant::now() });
        tokio::task::spawn_blocking(move || {
            // Who asked may have given up.
            let _gone = tell.send(Some(look_up(address).into_iter().collect()));
            drop(permit);
        });
        Some(answer)
    }
}

/// The name of `address`, if that leads back to it.
fn look_up(address: IpAddr) -> Option<String> {
    let name = dns_lookup::lookup_addr(&address).ok()?;
    // A host without a name is called by its address.
    if name.parse::<IpAddr>().is_ok() {
        return None;
    }
    let mut back = (name.as_str(), 0).to_socket_addrs().ok()?;
    back.any(|found| found.ip().to_canonical() == address).then_some(name)
}

/// What this machine calls itself: its name as it is, without its domain, and as mDNS has it.
pub fn own_names() -> Vec<String> {
    let name = host_name().unwrap_or_default();
    let short = name.split('.').next().unwrap_or_default().to_owned();
    let local = format!("{short}.local");
    [name, short, local].into_iter().filter(|name| !name.is_empty() && !name.starts_with('.')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    #[test]
    fn loopback_has_a_name_that_leads_back() {
        // `/etc/hosts` says so on every system that has one.
        let names = run(Names::default().of([127, 0, 0, 1].into()));
        assert!(names.iter().all(|name| !name.is_empty()), "{names:?}");
        assert!(names.is_empty() || names.iter().any(|name| name.starts_with("localhost")), "{names:?}");
    }

    #[test]
    fn what_is_known_is_bounded_and_shared() {
        run(async {
            let names = Names::default();
            let lookups = (0..2000u16).map(|n| {
                let [high, low] = n.to_be_bytes();
                names.begin([127, 1, high, low].into()).is_some()
            });
            assert!(lookups.filter(|begun| *begun).count() <= REMEMBERED);
            assert!(names.lookups.lock().unwrap().len() <= REMEMBERED);
            // Too much under way: no name, and no waiting.
            let since = Instant::now();
            let busy = Names { permits: Arc::new(Semaphore::new(0)), ..Names::default() };
            assert!(busy.of([127, 0, 0, 1].into()).await.is_empty() && since.elapsed() < PATIENCE);
        });
    }

    #[test]
    fn this_machine_has_a_name() {
        let names = own_names();
        assert!(!names.is_empty() && names.iter().all(|name| !name.starts_with('.')), "{names:?}");
    }
}
