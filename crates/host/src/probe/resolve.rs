//! Names, by the system's resolver. It blocks, so it works on threads of its own; a name that hangs takes
//! one of them, however many checks wait for it.

use super::error::Unresolved;
use hyper_util::client::legacy::connect::dns::Name;
use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long an answer is used: long enough for the checks of many processes on one host, too short to
/// notice when the name moves.
const FRESH: Duration = Duration::from_secs(5);

type Answer = Result<Vec<IpAddr>, String>;

struct Lookup {
    answer: watch::Receiver<Option<Answer>>,
    since: Instant,
}

impl Lookup {
    fn is_of_use(&self) -> bool {
        self.answer.borrow().is_none() || self.since.elapsed() < FRESH
    }
}

/// Looks names up. Clones share what they know.
#[derive(Clone, Default)]
pub(super) struct Resolver {
    lookups: Arc<Mutex<HashMap<String, Lookup>>>,
}

impl Resolver {
    /// The addresses of `host`, which may be one. To be called on a runtime.
    pub(super) async fn lookup(&self, host: &str) -> Answer {
        if let Ok(address) = host.parse() {
            return Ok(vec![address]);
        }
        let mut answer = self.begin(host);
        let found = answer.wait_for(Option::is_some).await;
        let found = found.ok().and_then(|found| found.clone());
        found.unwrap_or_else(|| Err(format!("the look-up of {host:?} was given up")))
    }

    fn begin(&self, host: &str) -> watch::Receiver<Option<Answer>> {
        let mut lookups = self.lookups.lock().unwrap_or_else(PoisonError::into_inner);
        lookups.retain(|_, lookup| lookup.is_of_use());
        if let Some(lookup) = lookups.get(host) {
            return lookup.answer.clone();
        }
        let (tell, answer) = watch::channel(None);
        lookups.insert(host.to_owned(), Lookup { answer: answer.clone(), since: Instant::now() });
        let host = host.to_owned();
        tokio::task::spawn_blocking(move || {
            // Who asked may have given up.
            let _gone = tell.send(Some(resolve(&host)));
        });
        answer
    }
}

fn resolve(host: &str) -> Answer {
    match (host, 0).to_socket_addrs() {
        Ok(addresses) => Ok(addresses.map(|address| address.ip()).collect()),
        Err(error) => Err(format!("name {host:?} does not resolve: {error}")),
    }
}

/// For the HTTP client.
impl tower_service::Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Unresolved;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Unresolved>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Unresolved>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let found = this.lookup(name.as_str()).await.map_err(Unresolved)?;
            Ok(found.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect::<Vec<_>>().into_iter())
        })
    }
}
