//! Patterns of hosts: `trustedHosts`, `trustedProxies`, `allowedHosts`.

use core::net::{IpAddr, Ipv4Addr};
use ipnet::IpNet;
use std::str::FromStr;

/// One pattern. Addresses are compared in their canonical form: `::ffff:10.0.0.1` is `10.0.0.1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPattern {
    /// `192.168.1.7`, `fe80::1`
    Address(IpAddr),
    /// `192.168.1.*`, `10.0.*.*`, `10.*`: `None` stands for any number.
    Numbers([Option<u8>; 4]),
    /// `10.0.0.0/8`, `2001:db8::/32`
    Network(IpNet),
    /// `localhost`: this machine by its loopback addresses.
    Loopback,
    /// `build.example.com`, in lower case.
    Name(String),
    /// `*.example.com`: every name that ends in `.example.com`, kept in lower case.
    Under(String),
    /// Matches nothing: an empty text, `*`, `0.0.0.0` and `::`, which older files hold.
    Nothing,
}

/// A text that is no pattern of hosts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected an address (192.168.1.7), numbers with * (192.168.1.*), a network (192.168.0.0/16), \
     a name (build.example.com) or *.example.com, found {0:?}"
)]
pub struct BadPattern(pub String);

impl FromStr for HostPattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        let lower = text.trim().to_ascii_lowercase();
        let bare = lower.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&lower);
        let bad = || BadPattern(text.to_owned());
        if matches!(bare, "" | "*") {
            return Ok(Self::Nothing);
        }
        if let Ok(address) = bare.parse::<IpAddr>() {
            let address = address.to_canonical();
            return Ok(if address.is_unspecified() { Self::Nothing } else { Self::Address(address) });
        }
        if bare.contains('/') {
            return network(bare).ok_or_else(bad);
        }
        if bare.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'*')) {
            return numbers(bare).map(Self::Numbers).ok_or_else(bad);
        }
        name(bare).ok_or_else(bad)
    }
}

/// A network of mapped addresses is that of the IPv4 addresses it stands for.
fn network(text: &str) -> Option<HostPattern> {
    let network: IpNet = text.parse().ok()?;
    let canonical = match network {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => match v6.addr().to_canonical() {
            IpAddr::V4(v4) => IpNet::new(v4.into(), v6.prefix_len() - 96).ok()?,
            IpAddr::V6(_) => network,
        },
        _ => network,
    };
    Some(HostPattern::Network(canonical))
}

/// Up to four numbers or stars; after a last star the rest are stars too.
fn numbers(text: &str) -> Option<[Option<u8>; 4]> {
    let parts: Vec<&str> = text.split('.').collect();
    let open = parts.last() == Some(&"*") && parts.len() < 4;
    if parts.len() > 4 || !(open || parts.len() == 4) {
        return None;
    }
    let mut numbers = [None; 4];
    for (place, part) in numbers.iter_mut().zip(parts) {
        *place = match part {
            "*" => None,
            part => Some(part.parse().ok()?),
        };
    }
    Some(numbers)
}

fn name(text: &str) -> Option<HostPattern> {
    let text = text.strip_suffix('.').unwrap_or(text);
    if is_loopback_name(text) {
        return Some(HostPattern::Loopback);
    }
    match text.strip_prefix("*.") {
        Some(domain) => is_name(domain).then(|| HostPattern::Under(format!(".{domain}"))),
        None => is_name(text).then(|| HostPattern::Name(text.to_owned())),
    }
}

/// The names by which this machine is known to itself, in lower case (RFC 6761, 6.3).
pub(super) fn is_loopback_name(name: &str) -> bool {
    matches!(name, "localhost" | "localhost.localdomain" | "ip6-localhost")
}

fn is_name(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    text.len() <= 253 && text.split('.').all(label)
}

impl HostPattern {
    /// Whether `address` is meant, whatever its name.
    pub fn matches_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        match self {
            Self::Address(exact) => *exact == address,
            Self::Numbers(numbers) => matches_numbers(numbers, address),
            Self::Network(network) => network.contains(&address),
            Self::Loopback => address.is_loopback(),
            Self::Name(_) | Self::Under(_) | Self::Nothing => false,
        }
    }

    /// Whether a host called `name` is meant. Case and a final dot do not count.
    pub fn matches_name(&self, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        match self {
            Self::Name(exact) => *exact == name,
            Self::Under(domain) => name.len() > domain.len() && name.ends_with(domain.as_str()),
            Self::Loopback => is_loopback_name(&name),
            _ => false,
        }
    }

    /// Whether only a name can tell.
    pub fn needs_name(&self) -> bool {
        matches!(self, Self::Name(_) | Self::Under(_))
    }
}

fn matches_numbers(numbers: &[Option<u8>; 4], address: IpAddr) -> bool {
    let IpAddr::V4(address) = address else { return false };
    numbers.iter().zip(Ipv4Addr::octets(&address)).all(|(number, octet)| number.is_none_or(|n| n == octet))
}

/// A list of patterns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostPatterns(Vec<HostPattern>);

impl HostPatterns {
    /// Reads `texts`. One that is no pattern matches nothing: validation has told of it
    /// (`RemoteAccess::validate`).
    pub fn new(texts: &[String]) -> Self {
        Self(texts.iter().filter_map(|text| text.parse().ok()).collect())
    }

    /// Whether `address` is meant, whatever its name.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|pattern| pattern.matches_address(address))
    }

    /// Whether a host called `name` is meant.
    pub fn contains_name(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| pattern.matches_name(name))
    }

    /// Whether a name could make a host of an address that is not meant by itself.
    pub fn need_names(&self) -> bool {
        self.0.iter().any(HostPattern::needs_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, host: &str) -> bool {
        let pattern: HostPattern = pattern.parse().unwrap();
        host.parse().map_or_else(|_| pattern.matches_name(host), |address| pattern.matches_address(address))
    }

    #[test]
    fn what_patterns_mean() {
        let table: &[(&str, &[&str], &[&str])] = &[
            // Pattern, what it matches, what it does not.
            ("192.168.1.7", &["192.168.1.7", "::ffff:192.168.1.7"], &["192.168.1.8", "::192.168.1.7"]),
            ("::ffff:10.0.0.1", &["10.0.0.1"], &["10.0.0.2"]),
            ("192.168.1.*", &["192.168.1.0", "192.168.1.255"], &["192.168.2.1", "fe80::1"]),
            ("10.0.*.*", &["10.0.0.1", "::ffff:10.0.9.9"], &["10.1.0.1"]),
            ("10.*", &["10.200.3.4"], &["11.0.0.1"]),
            ("10.*.0.1", &["10.7.0.1"], &["10.7.0.2"]),
            ("10.0.0.0/8", &["10.255.0.1"], &["11.0.0.1", "::10.0.0.1"]),
            ("10.1.2.3/8", &["10.255.0.1"], &["11.0.0.1"]),
            ("::ffff:10.0.0.0/104", &["10.9.9.9"], &["11.0.0.1"]),
            ("2001:db8::/32", &["2001:db8:1::1"], &["2001:db9::1"]),
            ("[2001:db8::1]", &["2001:db8::1"], &["2001:db8::2"]),
            ("localhost", &["127.0.0.1", "127.9.9.9", "::1", "localhost"], &["10.0.0.1", "localhost.evil"]),
            ("127.0.0.1", &["127.0.0.1"], &["127.0.0.2", "::1"]),
            ("Build.example.com.", &["build.EXAMPLE.com", "build.example.com."], &["x.build.example.com"]),
            ("*.example.com", &["a.example.com", "a.b.example.com"], &["example.com", "badexample.com"]),
            ("", &[], &["", "0.0.0.0", "127.0.0.1"]),
            ("*", &[], &["127.0.0.1", "example.com"]),
            ("0.0.0.0", &[], &["0.0.0.0", "127.0.0.1", "10.0.0.1", "::"]),
            ("::", &[], &["::", "::1"]),
        ];
        for (pattern, yes, no) in table {
            yes.iter().for_each(|host| assert!(matches(pattern, host), "{pattern} is to match {host}"));
            no.iter().for_each(|host| assert!(!matches(pattern, host), "{pattern} is not to match {host}"));
        }
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for bad in [
            "10.0.0.0/33",
            "10.0.0.256",
            "1.2.3",
            "1.2.3.4.5",
            "*.1.2",
            "a b",
            "http://x",
            "x:80",
            "a..b",
            "*.",
            "a.*.b",
            "fe80::1%eth0",
            "2001:db8::/129",
            "ex*mple.com",
            "/",
            "1.2.3.4/",
        ] {
            assert_eq!(bad.parse::<HostPattern>(), Err(BadPattern(bad.to_owned())), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_none_matches_the_unspecified(text in any::<String>(), odd in "[0-9.*:/a-f]{0,20}") {
            for text in [text, odd] {
                if let Ok(pattern) = text.parse::<HostPattern>() {
                    let _either = pattern.matches_name(&text);
                    let wide = matches!(pattern, HostPattern::Network(_) | HostPattern::Numbers(_));
                    prop_assert!(wide || !pattern.matches_address(IpAddr::from([0; 4])));
                }
            }
        }

        #[test]
        fn an_address_is_matched_by_itself_and_its_network(bits in any::<u128>(), four in any::<u32>()) {
            for address in [IpAddr::V6(bits.into()), IpAddr::V4(four.into())] {
                if !address.to_canonical().is_unspecified() {
                    prop_assert!(matches(&address.to_string(), &address.to_string()));
                    let length = if address.is_ipv4() { 24 } else { 64 };
                    let network = format!("{address}/{length}");
                    prop_assert!(matches(&network, &address.to_string()), "{}", network);
                }
            }
        }
    }
}
