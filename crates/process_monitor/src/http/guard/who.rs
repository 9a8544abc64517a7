//! Who is asking: what the transport knows, and what the headers say as far as it counts.

use super::super::transport::Transport;
use super::{Guard, Refused};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use process_monitor_core::access::rate::PeerKey;
use process_monitor_core::access::{
    BadToken, Caller, Connection, Forwarding, Holder, HostPatterns, Peer, bearer_of, token_of,
};
use process_monitor_core::model::RemoteAccess;
use process_monitor_host::clock;

/// Where the request comes from; `None` when nobody said how it came.
pub fn peer(request: &Parts, access: &RemoteAccess) -> Option<Peer> {
    let connection = match request.extensions.get()? {
        Transport::Control => Connection::Control,
        Transport::Tcp { peer, .. } => {
            let holder = request.extensions.get().copied().unwrap_or(Holder::Unknown);
            Connection::Tcp { peer: peer.ip(), holder }
        }
    };
    let proxies = HostPatterns::new(&access.trusted_proxies);
    Some(Peer::new(connection, &forwarding(&request.headers), &proxies))
}

fn forwarding(headers: &HeaderMap) -> Forwarding {
    Forwarding::read(headers.iter().map(|(name, value)| (name.as_str(), value.to_str().ok())))
}

/// Whose bucket it uses; `None`: it has no limit.
pub fn key(peer: &Peer) -> Option<PeerKey> {
    let address = peer.address()?;
    Some(peer.user().map_or_else(|| PeerKey::of(address), PeerKey::User))
}

/// The token that the request shows.
fn bearer(headers: &HeaderMap) -> Option<Result<&str, BadToken>> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let first = values.next()?;
    let text = first.to_str().ok().filter(|_| values.next().is_none()).ok_or(BadToken::Malformed);
    Some(text.and_then(bearer_of))
}

impl Guard {
    /// What the peer counts as.
    pub(super) async fn identify(
        &self,
        request: &Parts,
        peer: Peer,
        key: Option<PeerKey>,
        access: &RemoteAccess,
    ) -> Result<Caller, Refused> {
        if let Some(shown) = bearer(&request.headers) {
            self.0.limits.may_show_token(key)?;
            let token = shown.and_then(|shown| token_of(shown, &access.tokens, clock::wall()));
            return match token {
                Ok(token) => Ok(Caller::with_token(peer, token)),
                Err(bad) => {
                    self.0.limits.showed_bad_token(key);
                    Err(bad.into())
                }
            };
        }
        let names = match peer.undecided(&HostPatterns::new(&access.trusted_hosts)) {
            Some(address) => self.0.names.of(address).await,
            None => [].into(),
        };
        Ok(Caller::without_token(peer, access, &names))
    }
}
