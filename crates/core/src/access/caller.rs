//! Who is asking.

use super::{Forwarding, HostPatterns, Operation};
use crate::model::{RemoteAccess, Scope, Token};
use core::net::IpAddr;
use std::fmt;

/// Who holds the other end of a TCP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// Another machine, or a container with a network of its own.
    OtherHost,
    /// A program of the monitor's own user or of root on this machine, by its user id.
    Own(u32),
    /// A program of another user of this machine.
    Another(u32),
    /// A program of this machine; whose cannot be told any more, or on this system.
    Unknown,
}

impl Holder {
    /// Of a connection within this machine, whose other end belongs to the user `owner`, as far as is known; the
    /// monitor runs as `own`.
    pub fn here(owner: Option<u32>, own: u32) -> Self {
        match owner {
            Some(user) if user == own || user == 0 => Self::Own(user),
            Some(user) => Self::Another(user),
            None => Self::Unknown,
        }
    }

    /// The user of this machine whose program it is, where that is known.
    pub fn user(self) -> Option<u32> {
        match self {
            Self::Own(user) | Self::Another(user) => Some(user),
            Self::OtherHost | Self::Unknown => None,
        }
    }
}

/// What the transport knows about who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// The control socket, which lets nobody but the monitor's own user (and root) in.
    Control,
    /// TCP.
    Tcp {
        /// The socket's other end.
        peer: IpAddr,
        /// Who holds it.
        holder: Holder,
    },
}

/// Why a peer is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// Its address is not in the list.
    #[error("{0} is not in remoteAccess.trustedHosts")]
    NotListed(IpAddr),
    /// A proxy that nobody vouched for.
    #[error("the request came through a proxy, and {0} is not in remoteAccess.trustedProxies")]
    UnknownProxy(IpAddr),
    /// A proxy that says nothing, or nothing sensible.
    #[error("the proxy {0} does not say for whom it asks, or its headers contradict each other")]
    UnknownClient(IpAddr),
    /// A proxy on this machine could be any program of that user.
    #[error("the proxy {0} runs neither as the monitor's user nor as root, so anybody could stand behind it")]
    ProxyOfAnotherUser(IpAddr),
    /// Behind a proxy, an address of this machine's own tells nothing about the user.
    #[error("the proxy says {0}: whose program on its machine that is cannot be known")]
    LoopbackBehindProxy(IpAddr),
    /// On a shared machine, loopback is everybody's.
    #[error("the connection belongs to user {0}, not to the monitor's user or root")]
    AnotherUser(u32),
    /// Its program has closed the connection, or the system does not tell.
    #[error("it is not known whose program on this machine the connection belongs to")]
    UnknownUser,
}

/// Where a request comes from, as far as can be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    connection: Connection,
    /// For whom a proxy that is vouched for asks.
    client: Option<IpAddr>,
    /// Why it cannot be trusted, whatever the list says.
    doubt: Option<Doubt>,
}

impl Peer {
    /// Weighs what the transport knows against what the headers say; `proxies` are those whose word counts.
    pub fn new(connection: Connection, forwarding: &Forwarding, proxies: &HostPatterns) -> Self {
        let Connection::Tcp { peer, holder } = connection else {
            return Self { connection, client: None, doubt: None };
        };
        let by = match forwarding {
            Forwarding::None => return Self { connection, client: None, doubt: doubt_about(holder) },
            _ if !proxies.contains(peer) => {
                return Self { connection, client: None, doubt: Some(Doubt::UnknownProxy(peer)) };
            }
            Forwarding::Malformed => None,
            Forwarding::By(by) => by.client(proxies),
        };
        Self { connection, client: by, doubt: doubt_behind_proxy(peer, holder, by) }
    }

    /// The address it is known by: the client's behind a proxy that is vouched for, else the socket's. `None`: the
    /// control socket.
    pub fn address(&self) -> Option<IpAddr> {
        match self.connection {
            Connection::Control => None,
            Connection::Tcp { peer, .. } => Some(self.client.unwrap_or(peer).to_canonical()),
        }
    }

    /// The user of this machine who asks by himself, by TCP, where that is known.
    pub fn user(&self) -> Option<u32> {
        match self.connection {
            Connection::Tcp { holder, .. } if self.client.is_none() => holder.user(),
            _ => None,
        }
    }

    /// The address whose names would decide whether it is trusted; `None` when they would not.
    pub fn undecided(&self, trusted: &HostPatterns) -> Option<IpAddr> {
        let address = self.address().filter(|_| self.doubt.is_none())?;
        (!trusted.contains(address) && trusted.need_names()).then_some(address)
    }

    /// What it may count as without a token. `names` are the verified names of its address.
    pub fn trust(&self, trusted: &HostPatterns, names: &[String]) -> Result<(), Doubt> {
        let Some(address) = self.address() else { return Ok(()) };
        if let Some(doubt) = self.doubt {
            return Err(doubt);
        }
        let listed = trusted.contains(address) || names.iter().any(|name| trusted.contains_name(name));
        if listed { Ok(()) } else { Err(Doubt::NotListed(address)) }
    }
}

fn doubt_about(holder: Holder) -> Option<Doubt> {
    match holder {
        Holder::OtherHost | Holder::Own(_) => None,
        Holder::Another(user) => Some(Doubt::AnotherUser(user)),
        Holder::Unknown => Some(Doubt::UnknownUser),
    }
}

fn doubt_behind_proxy(peer: IpAddr, holder: Holder, client: Option<IpAddr>) -> Option<Doubt> {
    match (client, doubt_about(holder)) {
        (None, _) => Some(Doubt::UnknownClient(peer)),
        (_, Some(_)) => Some(Doubt::ProxyOfAnotherUser(peer)),
        (Some(client), None) if client.is_loopback() => Some(Doubt::LoopbackBehindProxy(client)),
        _ => None,
    }
}

/// For the log: `127.0.0.1 (user 1000)`, `203.0.113.9 via 10.0.0.1`, `control socket`.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Connection::Tcp { peer, holder } = self.connection else { return f.write_str("control socket") };
        match (self.client, holder) {
            (Some(client), _) => write!(f, "{client} via {peer}"),
            (None, Holder::Own(user) | Holder::Another(user)) => write!(f, "{peer} (user {user})"),
            (None, Holder::OtherHost | Holder::Unknown) => write!(f, "{peer}"),
        }
    }
}

/// What a request's sender counts as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// May do everything.
    Trusted,
    /// Holds a token, and may do what that permits, wherever it comes from.
    Token {
        /// The token's id.
        id: String,
        /// The token's name.
        name: String,
        /// What it permits.
        scope: Scope,
    },
    /// Somebody else, and why.
    Other(Doubt),
}

impl Standing {
    /// The holder of `token`.
    pub fn of_token(token: &Token) -> Self {
        Self::Token { id: token.id.clone(), name: token.name.clone(), scope: token.scope }
    }

    /// Whether what it registers is taken as it is.
    pub fn is_trusted(&self) -> bool {
        matches!(self, Self::Trusted | Self::Token { scope: Scope::Admin, .. })
    }
}

/// Who is asking: where from, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Where from.
    pub peer: Peer,
    /// As what.
    pub standing: Standing,
}

impl Caller {
    /// Who asks without a token. `names` are the verified names of the peer's address.
    pub fn without_token(peer: Peer, access: &RemoteAccess, names: &[String]) -> Self {
        let trust = peer.trust(&HostPatterns::new(&access.trusted_hosts), names);
        Self { standing: trust.map_or_else(Standing::Other, |()| Standing::Trusted), peer }
    }

    /// Who shows `token`: what that permits counts, even where the peer alone could do more.
    pub fn with_token(peer: Peer, token: &Token) -> Self {
        Self { peer, standing: Standing::of_token(token) }
    }

    /// Whether it may do `operation` to `target`; see [`super::decide()`].
    ///
    /// # Errors
    /// Why not, and what would permit it.
    pub fn may(
        &self,
        operation: Operation,
        target: Option<&crate::model::ProcessEntry>,
        access: &RemoteAccess,
    ) -> Result<(), super::Denial> {
        super::decide(&self.standing, operation, target, access)
    }
}

/// For the log.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.standing {
            Standing::Trusted => write!(f, "{}", self.peer),
            Standing::Token { id, name, scope } => {
                write!(f, "{} with {scope} token {id} {name:?}", self.peer)
            }
            Standing::Other(_) => write!(f, "{}, not trusted", self.peer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Doubt::*;

    const ME: u32 = 1000;

    fn tcp(peer: &str, owner: Option<u32>) -> Connection {
        let peer: IpAddr = peer.parse().unwrap();
        let holder = if peer.is_loopback() { Holder::here(owner, ME) } else { Holder::OtherHost };
        Connection::Tcp { peer, holder }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn trust(
        connection: Connection,
        header: Option<&str>,
        trusted: &[&str],
        names: &[&str],
    ) -> Result<(), Doubt> {
        let forwarding = Forwarding::read(header.map(|value| ("x-forwarded-for", Some(value))));
        let patterns =
            |texts: &[&str]| HostPatterns::new(&texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>());
        let peer = Peer::new(connection, &forwarding, &patterns(&["10.0.0.1", "127.0.0.1"]));
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        peer.trust(&patterns(trusted), &names)
    }

    #[test]
    fn who_is_trusted() {
        let local = ["localhost", "127.0.0.1", "::1"];
        let far = ["localhost", "203.0.113.*", "*.example.com", "0.0.0.0"];
        let (near, mine) = ("127.0.0.1", Some(ME));
        type Row<'a> = (Connection, Option<&'a str>, &'a [&'a str], &'a [&'a str], Result<(), Doubt>);
        let table: &[Row] = &[
            (Connection::Control, None, &[], &[], Ok(())),
            (Connection::Control, Some("203.0.113.9"), &[], &[], Ok(())),
            (tcp(near, mine), None, &local, &[], Ok(())),
            (tcp(near, Some(0)), None, &local, &[], Ok(())),
            (tcp("::1", mine), None, &local, &[], Ok(())),
            (tcp("::ffff:127.0.0.1", mine), None, &["127.0.0.1"], &[], Ok(())),
            (tcp(near, mine), None, &[], &[], Err(NotListed(ip(near)))),
            (tcp(near, mine), None, &["0.0.0.0"], &[], Err(NotListed(ip(near)))),
            (tcp(near, Some(1001)), None, &local, &[], Err(AnotherUser(1001))),
            (tcp(near, None), None, &local, &[], Err(UnknownUser)),
            (tcp("203.0.113.9", None), None, &local, &[], Err(NotListed(ip("203.0.113.9")))),
            (tcp("203.0.113.9", None), None, &far, &[], Ok(())),
            (tcp("198.51.100.1", None), None, &far, &["a.example.com"], Ok(())),
            (tcp("198.51.100.1", None), None, &far, &["localhost.evil"], Err(NotListed(ip("198.51.100.1")))),
            // Through proxies.
            (tcp("::1", mine), Some("203.0.113.9"), &far, &[], Err(UnknownProxy(ip("::1")))),
            (tcp("203.0.113.9", None), Some("203.0.113.9"), &far, &[], Err(UnknownProxy(ip("203.0.113.9")))),
            (tcp("10.0.0.1", None), Some("203.0.113.9"), &far, &[], Ok(())),
            (tcp("10.0.0.1", None), Some("198.51.100.1"), &far, &[], Err(NotListed(ip("198.51.100.1")))),
            (tcp("10.0.0.1", None), Some("nonsense"), &far, &[], Err(UnknownClient(ip("10.0.0.1")))),
            (
                tcp("10.0.0.1", None),
                Some("127.0.0.1"),
                &["10.0.0.1", "127.*"],
                &[],
                Err(UnknownClient(ip("10.0.0.1"))),
            ),
            (tcp("10.0.0.1", None), Some("::1"), &local, &[], Err(LoopbackBehindProxy(ip("::1")))),
            (tcp(near, mine), Some("203.0.113.9"), &far, &[], Ok(())),
            (tcp(near, Some(33)), Some("203.0.113.9"), &far, &[], Err(ProxyOfAnotherUser(ip(near)))),
            (tcp(near, None), Some("203.0.113.9"), &far, &[], Err(ProxyOfAnotherUser(ip(near)))),
        ];
        for (connection, header, trusted, names, expected) in table {
            let found = trust(*connection, *header, trusted, names);
            assert_eq!(found, *expected, "{connection:?} {header:?} {trusted:?} {names:?}");
        }
    }

    #[test]
    fn names_are_asked_for_only_when_they_decide() {
        let patterns =
            |texts: &[&str]| HostPatterns::new(&texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>());
        let peer = |connection| Peer::new(connection, &Forwarding::None, &patterns(&[]));
        let far = peer(tcp("203.0.113.9", None));
        assert_eq!(far.undecided(&patterns(&["*.example.com"])), Some(ip("203.0.113.9")));
        assert_eq!(far.undecided(&patterns(&["*.example.com", "203.0.113.9"])), None);
        assert_eq!(far.undecided(&patterns(&["10.0.0.1"])), None);
        assert_eq!(peer(Connection::Control).undecided(&patterns(&["*.example.com"])), None);
        assert_eq!(peer(tcp("127.0.0.1", Some(7))).undecided(&patterns(&["*.example.com"])), None);
    }

    #[test]
    fn the_log_says_who() {
        let proxies = HostPatterns::new(&["10.0.0.1".to_owned()]);
        let forwarding = Forwarding::read([("x-real-ip", Some("203.0.113.9"))]);
        let peer = Peer::new(tcp("10.0.0.1", None), &forwarding, &proxies);
        let caller = Caller::without_token(peer, &RemoteAccess::default(), &[]);
        assert_eq!(caller.to_string(), "203.0.113.9 via 10.0.0.1, not trusted");
        let peer = Peer::new(tcp("127.0.0.1", Some(ME)), &Forwarding::None, &proxies);
        assert_eq!(peer.to_string(), "127.0.0.1 (user 1000)");
        assert_eq!((peer.user(), peer.address()), (Some(ME), Some(ip("127.0.0.1"))));
    }
}
