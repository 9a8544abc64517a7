//! For whom a proxy says that it asks: `Forwarded` (RFC 7239), `X-Forwarded-For`, `X-Real-IP`.

use super::HostPatterns;
use core::net::{IpAddr, SocketAddr};

/// Headers that only a proxy sends. One of them shows that the socket's peer asks for somebody else, even when it
/// does not say for whom. All that begin with `x-forwarded` are, too.
const SIGNS: [&str; 21] = [
    "via",
    "forwarded-for",
    "x-original-forwarded-for",
    "client-ip",
    "x-client-ip",
    "x-remote-ip",
    "x-remote-addr",
    "x-originating-ip",
    "x-appengine-user-ip",
    "wl-proxy-client-ip",
    "proxy-client-ip",
    "x-amzn-trace-id",
    "cdn-loop",
    "x-cluster-client-ip",
    "x-proxyuser-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "fly-client-ip",
    "x-envoy-external-address",
    "x-azure-clientip",
];

/// What the headers of a request say about proxies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forwarding {
    /// Nothing: the socket's peer asks for itself.
    None,
    /// It came through a proxy, which says this.
    By(ForwardedBy),
    /// It came through a proxy, and what that says cannot be read.
    Malformed,
}

/// The hops that proxies name, the client's end first; one list for each kind of header.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ForwardedBy {
    chains: Vec<Vec<Hop>>,
}

/// `None`: a hop whose address is hidden or unknown (RFC 7239, 6.2 and 6.3).
type Hop = Option<IpAddr>;

impl Forwarding {
    /// Reads the headers of a request; names are in lower case, a value that is not text is `None`.
    pub fn read<'a>(headers: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Self {
        let (mut forwarded, mut list, mut single) = (Vec::new(), Vec::new(), Vec::new());
        let mut sign = false;
        for (name, value) in headers {
            let into = match name {
                "forwarded" => &mut forwarded,
                "x-forwarded-for" => &mut list,
                "x-real-ip" => &mut single,
                _ => {
                    sign |= name.starts_with("x-forwarded") || SIGNS.contains(&name);
                    continue;
                }
            };
            match value {
                Some(value) => into.push(value),
                None => return Self::Malformed,
            }
        }
        if !sign && forwarded.is_empty() && list.is_empty() && single.is_empty() {
            return Self::None;
        }
        let chains = [chain(&forwarded, elements), chain(&list, addresses), chain(&single, one_address)];
        let chains: Option<Vec<_>> =
            chains.into_iter().filter(|chain| chain.as_ref().is_none_or(|hops| !hops.is_empty())).collect();
        chains.map_or(Self::Malformed, |chains| Self::By(ForwardedBy { chains }))
    }
}

impl ForwardedBy {
    /// The client: the right-most hop that is none of `proxies`. Whatever stands left of it was written by that
    /// client itself. `None` when every hop is a proxy, when its address is hidden, or when two kinds of header
    /// disagree: then a proxy that writes the one has passed on the other as the client sent it.
    pub fn client(&self, proxies: &HostPatterns) -> Option<IpAddr> {
        let mut clients = self.chains.iter().filter_map(|chain| {
            let is_proxy = |hop: &Hop| hop.is_some_and(|address| proxies.contains(address));
            chain.iter().rev().find(|hop| !is_proxy(hop)).copied()
        });
        let first = clients.next()??;
        clients.all(|other| other == Some(first)).then_some(first)
    }
}

/// All hops of one kind of header: several lines of it count as one, in their order (RFC 9110, 5.3).
fn chain(values: &[&str], read: fn(&str) -> Option<Vec<Hop>>) -> Option<Vec<Hop>> {
    values.iter().map(|value| read(value)).collect::<Option<Vec<_>>>().map(|lists| lists.concat())
}

fn addresses(value: &str) -> Option<Vec<Hop>> {
    value.split(',').map(|item| address(item.trim()).map(Some)).collect()
}

fn one_address(value: &str) -> Option<Vec<Hop>> {
    Some(vec![Some(address(value.trim())?)])
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    bare.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// The `for` of each element of a `Forwarded` header.
fn elements(value: &str) -> Option<Vec<Hop>> {
    split(value, b',')?.into_iter().map(element).collect()
}

fn element(text: &str) -> Option<Hop> {
    let mut hop = None;
    for pair in split(text, b';')? {
        let (name, value) = pair.split_once('=')?;
        if name.trim().eq_ignore_ascii_case("for") {
            // Said twice, it says nothing.
            if hop.is_some() {
                return None;
            }
            hop = Some(node(&unquoted(value.trim())?)?);
        }
    }
    Some(hop.flatten())
}

/// RFC 7239, 6: an address, `unknown`, or a name that hides it (`_hidden`).
fn node(text: &str) -> Option<Hop> {
    let hidden = text.eq_ignore_ascii_case("unknown") || text.starts_with('_');
    if hidden { Some(None) } else { address(text).map(Some) }
}

/// Splits at `separator` outside of quotes; `None` when a quote is not closed.
fn split(text: &str, separator: u8) -> Option<Vec<&str>> {
    let (mut parts, mut from, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == separator && !quoted => {
                parts.push(text.get(from..at)?);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(from..)?);
    (!quoted).then_some(parts)
}

fn unquoted(text: &str) -> Option<String> {
    let Some(rest) = text.strip_prefix('"') else { return Some(text.to_owned()) };
    let inner = rest.strip_suffix('"')?;
    Some(inner.replace('\\', ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(headers: &[(&str, &str)]) -> Forwarding {
        Forwarding::read(headers.iter().map(|(name, value)| (*name, Some(*value))))
    }

    fn client(headers: &[(&str, &str)]) -> Option<String> {
        let proxies = HostPatterns::new(&["10.0.0.*".to_owned(), "::1".to_owned()]);
        match read(headers) {
            Forwarding::By(by) => by.client(&proxies).map(|address| address.to_string()),
            other => panic!("{headers:?}: {other:?}"),
        }
    }

    #[test]
    fn the_client_is_the_last_hop_that_is_no_proxy() {
        type Row<'a> = (&'a [(&'a str, &'a str)], Option<&'a str>);
        let table: &[Row] = &[
            (&[("x-forwarded-for", "203.0.113.9")], Some("203.0.113.9")),
            (&[("x-forwarded-for", "127.0.0.1, 203.0.113.9, 10.0.0.2")], Some("203.0.113.9")),
            (&[("x-forwarded-for", "127.0.0.1"), ("x-forwarded-for", "203.0.113.9")], Some("203.0.113.9")),
            (&[("x-forwarded-for", "::ffff:203.0.113.9")], Some("203.0.113.9")),
            (&[("x-forwarded-for", "[2001:db8::1]:80,10.0.0.1:81")], Some("2001:db8::1")),
            (&[("x-forwarded-for", "10.0.0.1, 10.0.0.2")], None),
            (&[("x-real-ip", "203.0.113.9")], Some("203.0.113.9")),
            (&[("forwarded", "for=203.0.113.9;proto=http;by=10.0.0.1")], Some("203.0.113.9")),
            (&[("forwarded", "For=\"[2001:db8::1]:4711\", for=10.0.0.1")], Some("2001:db8::1")),
            (&[("forwarded", "for=127.0.0.1, for=\"_hidden\"")], None),
            (&[("forwarded", "for=127.0.0.1, for=unknown")], None),
            (&[("forwarded", "for=127.0.0.1, proto=https")], None),
            (&[("forwarded", "for=\"a\\\",b\", for=203.0.113.9")], None),
            // Kinds that agree, and kinds that do not.
            (&[("x-forwarded-for", "203.0.113.9"), ("x-real-ip", "203.0.113.9")], Some("203.0.113.9")),
            (&[("x-forwarded-for", "203.0.113.9"), ("x-real-ip", "10.0.0.1")], Some("203.0.113.9")),
            (&[("x-forwarded-for", "203.0.113.9"), ("x-real-ip", "127.0.0.1")], None),
            (&[("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=127.0.0.1")], None),
            (&[("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=_x")], None),
            // It came through a proxy that does not say for whom.
            (&[("via", "1.1 proxy")], None),
            (&[("cdn-loop", "cdn.example")], None),
            (&[("wl-proxy-client-ip", "192.0.2.1")], None),
            (&[("x-forwarded-proto", "https")], None),
        ];
        for (headers, expected) in table {
            if headers.iter().any(|(_, value)| value.contains("a\\")) {
                assert_eq!(read(headers), Forwarding::Malformed, "{headers:?}");
            } else {
                assert_eq!(client(headers).as_deref(), *expected, "{headers:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_malformed_and_never_nothing() {
        let table = [
            ("x-forwarded-for", ""),
            ("x-forwarded-for", "127.0.0.1,"),
            ("x-forwarded-for", "localhost"),
            ("x-real-ip", "1.2.3.4, 5.6.7.8"),
            ("forwarded", ""),
            ("forwarded", "for"),
            ("forwarded", "for=\"127.0.0.1"),
            ("forwarded", "for=127.0.0.1;for=203.0.113.9"),
            ("forwarded", "for=evil"),
        ];
        for (name, value) in table {
            assert_eq!(read(&[(name, value)]), Forwarding::Malformed, "{name}: {value:?}");
        }
        assert_eq!(Forwarding::read([("x-forwarded-for", None)]), Forwarding::Malformed);
        assert_eq!(read(&[("host", "x"), ("accept", "y")]), Forwarding::None);
    }

    proptest! {
        #[test]
        fn no_header_panics(value in any::<String>(), odd in "[a-z0-9.:;,=\"\\\\\\[\\] ]{0,40}") {
            for text in [&value, &odd] {
                for name in ["forwarded", "x-forwarded-for", "x-real-ip"] {
                    prop_assert_ne!(read(&[(name, text)]), Forwarding::None);
                }
            }
        }

        /// Whatever a client writes of itself, the hop that the proxy adds behind it is what counts.
        #[test]
        fn what_the_client_writes_does_not_count(written in "([0-9]{1,3}(\\.[0-9]{1,3}){3}(, )?){0,3}") {
            let value = format!("{written}, 203.0.113.9");
            if let Forwarding::By(by) = read(&[("x-forwarded-for", value.trim_start_matches(", "))]) {
                let found = by.client(&HostPatterns::new(&[]));
                prop_assert_eq!(found, Some("203.0.113.9".parse().unwrap()));
            }
        }
    }
}
