//! Where the API listens: on loopback always, and for other hosts where the settings say so (SPEC 5.3).

use crate::access::HostPatterns;
use crate::model::RemoteAccess;
use crate::registry::Registry;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses on which a program listens for other hosts (`remoteAccess.bindAddress`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BindAddress {
    /// Every address of this machine, also those that it gets later.
    All,
    /// This one.
    One(IpAddr),
    /// Those of this machine that begin like this, such as `192.168.`.
    Prefix(String),
}

impl BindAddress {
    /// Reads a setting. Nothing and `*` mean every address.
    ///
    /// # Errors
    /// In words, when the text can mean no address.
    pub fn parse(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        let prefix = trimmed.trim_end_matches('*');
        if prefix.is_empty() {
            return Ok(Self::All);
        }
        match trimmed.parse::<IpAddr>() {
            Ok(address) if address.is_unspecified() => Ok(Self::All),
            Ok(address) => Ok(Self::One(address)),
            Err(_) if is_prefix(prefix) => Ok(Self::Prefix(prefix.to_owned())),
            Err(_) => Err(format!(
                "expected an address, * for all, or the beginning of an address such as \"192.168.\", found {text:?}"
            )),
        }
    }
}

/// Whether an address can begin like this: whole parts, each closed by its separator.
fn is_prefix(text: &str) -> bool {
    let v4 = || {
        let parts = text.strip_suffix('.').map(|text| text.split('.').collect::<Vec<_>>());
        parts.is_some_and(|parts| parts.len() < 4 && parts.iter().all(|part| part.parse::<u8>().is_ok()))
    };
    let v6 = || {
        let parts = text.strip_suffix(':').map(|text| text.split(':').collect::<Vec<_>>());
        let word = |part: &&str| part.is_empty() || u16::from_str_radix(part, 16).is_ok();
        parts.is_some_and(|parts| parts.len() < 8 && parts.iter().all(word))
    };
    v4() || v6()
}

/// One address on which the API listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Where; perhaps the unspecified address, which is all of its family.
    pub address: IpAddr,
    /// Whether its lack is no error: a machine may have no IPv6.
    pub optional: bool,
}

impl Endpoint {
    fn new(address: IpAddr) -> Self {
        let optional = address.is_ipv6() && (address.is_loopback() || address.is_unspecified());
        Self { address, optional }
    }

    /// Whether only this machine can connect to it.
    pub fn is_local(&self) -> bool {
        self.address.is_loopback()
    }
}

/// Where the API listens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Endpoints {
    /// The addresses, loopback first.
    pub addresses: Vec<Endpoint>,
    /// What was asked for and cannot be had, in words.
    pub trouble: Option<String>,
}

/// Where the API listens with these settings on a machine with the addresses `own`.
pub fn endpoints(settings: &RemoteAccess, own: &[IpAddr]) -> Endpoints {
    let text = settings.bind_address.as_deref().unwrap_or_default();
    let bind = settings.start_remote_access.then(|| BindAddress::parse(text));
    let local = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let (others, trouble) = match bind {
        None => (Vec::new(), None),
        Some(Ok(BindAddress::All)) => return every_address(),
        Some(Ok(BindAddress::One(address))) => (vec![address], None),
        Some(Ok(BindAddress::Prefix(prefix))) => beginning_with(&prefix, own),
        Some(Err(why)) => (Vec::new(), Some(why)),
    };
    let mut addresses: Vec<Endpoint> = Vec::new();
    for endpoint in local.into_iter().chain(others).map(Endpoint::new) {
        if !addresses.contains(&endpoint) {
            addresses.push(endpoint);
        }
    }
    Endpoints { addresses, trouble }
}

/// What a change of the settings means for `peer`, who asked for it with TLS or without: that it may not be able to
/// change them back. `None`: nothing of that kind.
pub fn aftermath(peer: IpAddr, tls: bool, before: &Registry, after: &Registry) -> Option<String> {
    let (port, new_port) = (before.api_port(), after.api_port());
    let (before, after) = (&before.remote_access, &after.remote_access);
    let other = !peer.to_canonical().is_loopback();
    let trusts = |settings: &RemoteAccess| HostPatterns::new(&settings.trusted_hosts).contains(peer);
    let encrypts = |settings: &RemoteAccess| settings.tls.as_ref().is_some_and(|tls| tls.enabled);
    let closed = (other && before.start_remote_access && !after.start_remote_access)
        .then(|| "other hosts, yours included, are not served any more".to_owned());
    let moved = (port != new_port)
        .then(|| format!("the API moves to port {new_port}, unless a flag of the monitor says otherwise"));
    let encrypted =
        (other && !tls && encrypts(after)).then(|| "your host must use https:// from now on".to_owned());
    let distrusted = (trusts(before) && !trusts(after))
        .then(|| format!("{peer} is no longer a trusted host, so you may not be able to change this back"));
    let all: Vec<String> = [closed, moved, encrypted, distrusted].into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// The unspecified addresses take loopback in: both at once cannot be listened on.
fn every_address() -> Endpoints {
    let all = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    Endpoints { addresses: all.into_iter().map(Endpoint::new).collect(), trouble: None }
}

fn beginning_with(prefix: &str, own: &[IpAddr]) -> (Vec<IpAddr>, Option<String>) {
    let begins = |address: &&IpAddr| address.to_string().starts_with(&prefix.to_lowercase());
    let found: Vec<IpAddr> = own.iter().filter(begins).copied().collect();
    let trouble = found.is_empty().then(|| {
        let own = own.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        format!("no address of this machine begins with {prefix} (it has {own})")
    });
    (found, trouble)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_bind_address_means() {
        let one = |text: &str| BindAddress::One(text.parse().unwrap());
        let prefix = |text: &str| BindAddress::Prefix(text.to_owned());
        let table = [
            ("", Some(BindAddress::All)),
            ("*", Some(BindAddress::All)),
            ("0.0.0.0", Some(BindAddress::All)),
            ("::", Some(BindAddress::All)),
            ("192.168.1.5", Some(one("192.168.1.5"))),
            ("fd00::1", Some(one("fd00::1"))),
            ("192.168.", Some(prefix("192.168."))),
            ("192.168.*", Some(prefix("192.168."))),
            ("10.", Some(prefix("10."))),
            ("fd00:", Some(prefix("fd00:"))),
            ("192.168", None),
            ("192.168.1.5.", None),
            ("300.", None),
            ("eth0", None),
            ("example.com", None),
        ];
        for (text, expected) in table {
            assert_eq!(BindAddress::parse(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn where_the_api_listens() {
        let own: Vec<IpAddr> =
            ["127.0.0.1", "192.168.1.5", "10.0.0.7", "fd00::5"].map(|text| text.parse().unwrap()).to_vec();
        let table: [(bool, Option<&str>, &[&str], bool); 9] = [
            (false, None, &["127.0.0.1", "::1"], false),
            (false, Some("10.0.0.7"), &["127.0.0.1", "::1"], false),
            (true, None, &["0.0.0.0", "::"], false),
            (true, Some("10.0.0.7"), &["127.0.0.1", "::1", "10.0.0.7"], false),
            (true, Some("127.0.0.1"), &["127.0.0.1", "::1"], false),
            (true, Some("192.168."), &["127.0.0.1", "::1", "192.168.1.5"], false),
            (true, Some("FD00:"), &["127.0.0.1", "::1", "fd00::5"], false),
            (true, Some("172."), &["127.0.0.1", "::1"], true),
            (true, Some("nonsense"), &["127.0.0.1", "::1"], true),
        ];
        for (start_remote_access, bind, expected, trouble) in table {
            let bind_address = bind.map(str::to_owned);
            let settings = RemoteAccess { start_remote_access, bind_address, ..RemoteAccess::default() };
            let found = endpoints(&settings, &own);
            let addresses: Vec<String> = found.addresses.iter().map(|e| e.address.to_string()).collect();
            assert_eq!(
                (addresses, found.trouble.is_some()),
                (expected.iter().map(ToString::to_string).collect(), trouble),
                "{bind:?}"
            );
        }
    }

    #[test]
    fn what_a_change_means_for_who_asked_for_it() {
        let open = RemoteAccess {
            start_remote_access: true,
            trusted_hosts: vec!["10.0.0.*".into(), "127.0.0.1".into()],
            ..RemoteAccess::default()
        };
        let say = |peer: &str, tls, change: fn(&mut RemoteAccess)| {
            let before = Registry { remote_access: open.clone(), ..Registry::default() };
            let mut after = before.clone();
            change(&mut after.remote_access);
            aftermath(peer.parse().unwrap(), tls, &before, &after).unwrap_or_default()
        };
        let close: fn(&mut RemoteAccess) = |settings| settings.start_remote_access = false;
        assert!(say("10.0.0.1", false, close).contains("not served any more"));
        assert_eq!(say("127.0.0.1", false, close), "");
        let encrypt: fn(&mut RemoteAccess) = |settings| settings.tls = Some(crate::model::Tls::default());
        assert!(say("10.0.0.1", false, encrypt).contains("https://"));
        assert_eq!(say("10.0.0.1", true, encrypt) + &say("127.0.0.1", false, encrypt), "");
        let distrust: fn(&mut RemoteAccess) = |settings| settings.trusted_hosts.clear();
        assert!(say("10.0.0.1", true, distrust).contains("no longer a trusted host"));
        assert!(
            say("127.0.0.1", true, |settings| settings.remote_port = Some(1)).contains("moves to port 1")
        );
    }
}
