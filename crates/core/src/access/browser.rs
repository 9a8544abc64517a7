//! What a page in somebody's browser may do. A page from elsewhere runs on the user's machine with the user's
//! address, so neither says that it is the user who asks: its `Origin` and the `Host` it believes to speak to do.

use super::host::is_loopback_name;
use super::{HostPattern, HostPatterns};
use crate::model::{JsonPath, Problem};
use core::net::IpAddr;

/// Under which names this monitor may be addressed. A page that had its own name resolved to our address (DNS
/// rebinding) still says that name.
#[derive(Debug, Clone)]
pub struct OurNames<'a> {
    /// Our end of the connection.
    pub ours: IpAddr,
    /// Names of this machine: the one it has given itself, and the verified names of its address. They count only where
    /// our end is no loopback address, which takes remote access. Whoever answers for a name in this network (by mDNS for
    /// `NAME.local`) could have a browser of this machine show his page under it, and then point it to loopback, where
    /// everything that its user does is trusted. On other addresses he gains nothing by it: he is in this network, and
    /// what is trusted there are addresses.
    pub names: &'a [String],
    /// `allowedHosts`.
    pub allowed: &'a HostPatterns,
}

/// Why a request is refused that a page in a browser could have sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // each field is what its message says
pub enum Foreign {
    /// It names another host than us.
    #[error(
        "this monitor is not {host:?}: a page that had its name point here would say so; on this machine, say \
         localhost; if that is a name of this monitor, a trusted peer can add it to remoteAccess.allowedHosts"
    )]
    Host { host: String },
    /// It is of a page from elsewhere.
    #[error(
        "a page of {origin:?} may not change anything here; if it should, a trusted peer can add that origin to \
         remoteAccess.corsOrigins"
    )]
    Origin { origin: String },
    /// The browser says that it is of a page from elsewhere.
    #[error("a page from elsewhere may not change anything here (Sec-Fetch-Site: {site})")]
    Site { site: String },
}

/// The host and the port of a `Host` header: `web.example:80`, `[::1]:80`, `localhost`.
fn split_host(host: &str) -> Option<(&str, Option<u16>)> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']')?;
            (address, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
    };
    let port = port.map(str::parse).transpose().ok()?;
    (!name.is_empty()).then_some((name, port))
}

impl OurNames<'_> {
    /// Whether `host`, the value of a header `Host`, means us. The port does not matter: a page can be given a
    /// name that points here, but not one of ours, and tunnels (`ssh -L`) have ports of their own.
    ///
    /// # Errors
    /// When it means somebody else.
    pub fn check(&self, host: &str) -> Result<(), Foreign> {
        let foreign = || Foreign::Host { host: host.chars().take(100).collect() };
        let (name, _) = split_host(host).ok_or_else(foreign)?;
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        if self.is_ours(&name) || self.is_allowed(&name) { Ok(()) } else { Err(foreign()) }
    }

    /// Whether only the verified names of our address could make `host` one of ours.
    pub fn needs_names(&self, host: &str) -> bool {
        let is_name = split_host(host).is_some_and(|(name, _)| name.parse::<IpAddr>().is_err());
        is_name && self.check(host).is_err()
    }

    fn is_ours(&self, name: &str) -> bool {
        let ours = self.ours.to_canonical();
        match name.parse::<IpAddr>() {
            // Another of our addresses: who is connected to one of them by loopback is on this machine.
            Ok(address) => address.to_canonical() == ours || (ours.is_loopback() && address.is_loopback()),
            Err(_) => {
                let named = || self.names.iter().any(|own| is_same_name(own, name));
                is_loopback_name(name) || (!ours.is_loopback() && named())
            }
        }
    }

    fn is_allowed(&self, name: &str) -> bool {
        match name.parse() {
            Ok(address) => self.allowed.contains(address),
            Err(_) => self.allowed.contains_name(name),
        }
    }
}

fn is_same_name(one: &str, other: &str) -> bool {
    one.strip_suffix('.').unwrap_or(one).eq_ignore_ascii_case(other)
}

/// What a browser says about the page that sent a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Page<'a> {
    /// `Origin`: scheme, host and port of the page; `null` when it has none.
    pub origin: Option<&'a str>,
    /// `Sec-Fetch-Site`.
    pub site: Option<&'a str>,
    /// `Host`, which has been found to be ours.
    pub host: Option<&'a str>,
}

impl Page<'_> {
    /// Whether it is one of our own pages, or none at all.
    fn is_own(&self) -> bool {
        match self.origin {
            Some(origin) => {
                let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
                authority.is_some_and(|of| self.host.is_some_and(|host| of.eq_ignore_ascii_case(host)))
            }
            None => self.site.is_none_or(|site| matches!(site, "same-origin" | "none")),
        }
    }

    /// Whether this page may have us change something. `cors` is `corsOrigins`.
    ///
    /// # Errors
    /// When it is from elsewhere, and its origin not in the list.
    pub fn may_change(&self, cors: &[String]) -> Result<(), Foreign> {
        if self.is_own() || self.listed(cors).is_some() {
            return Ok(());
        }
        let short = |text: &str| text.chars().take(100).collect();
        Err(match (self.origin, self.site) {
            (Some(origin), _) => Foreign::Origin { origin: short(origin) },
            (None, site) => Foreign::Site { site: short(site.unwrap_or_default()) },
        })
    }

    /// The origin that may read our answers across origins, if this page's is in the list: what goes into
    /// `Access-Control-Allow-Origin`.
    pub fn listed(&self, cors: &[String]) -> Option<&str> {
        let origin = self.origin?;
        let listed = cors.iter().any(|listed| listed.trim_end_matches('/').eq_ignore_ascii_case(origin));
        (listed && check_origin(origin).is_ok()).then_some(origin)
    }
}

/// What is no origin in `corsOrigins`.
pub(crate) fn origin_problems(origins: &[String]) -> impl Iterator<Item = Problem> + '_ {
    origins.iter().enumerate().filter_map(|(n, origin)| {
        let why = check_origin(origin.trim_end_matches('/')).err()?;
        let path = JsonPath::root().key("corsOrigins").index(n);
        let message = format!(
            "expected an origin like https://ops.example.com or http://10.0.0.5:8080, found {origin:?}: {why}"
        );
        Some(Problem::at(path, message))
    })
}

fn check_origin(origin: &str) -> Result<(), &'static str> {
    if origin == "*" {
        return Err("every page of the web would be let in");
    }
    let (scheme, authority) = origin.split_once("://").ok_or("it has no scheme")?;
    let plain = scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    if scheme.is_empty() || !plain {
        return Err("its scheme is none");
    }
    let (name, _) = split_host(authority).ok_or("its host or port is none")?;
    let is_host = match name.parse::<IpAddr>() {
        Ok(_) => true,
        Err(_) => matches!(name.parse(), Ok(HostPattern::Name(_) | HostPattern::Loopback)),
    };
    if is_host { Ok(()) } else { Err("its host is none; there is no * in origins") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_ours(ours: &str, host: &str) -> bool {
        let names = ["server".to_owned(), "server.lan.".to_owned(), "server.local".to_owned()];
        let allowed = HostPatterns::new(&["*.ops.example".to_owned(), "10.9.9.9".to_owned()]);
        OurNames { ours: ours.parse().unwrap(), names: &names, allowed: &allowed }.check(host).is_ok()
    }

    #[test]
    fn which_hosts_are_ours() {
        let table = [
            ("127.0.0.1", "localhost:5679", true),
            ("127.0.0.1", "LOCALHOST.:5679", true),
            ("127.0.0.1", "localhost", true),
            ("127.0.0.1", "127.0.0.1:5679", true),
            ("127.0.0.1", "[::1]:5679", true),
            ("::1", "[::1]:5679", true),
            ("127.0.0.1", "localhost:8000", true),
            ("127.0.0.1", "localhost:x", false),
            ("127.0.0.1", "localhost.evil.example:5679", false),
            ("127.0.0.1", "evil.example:5679", false),
            ("127.0.0.1", "evil.example", false),
            ("127.0.0.1", "10.0.0.7:5679", false),
            ("127.0.0.1", "", false),
            ("127.0.0.1", "[::1", false),
            ("127.0.0.1", "[::1]x", false),
            ("10.0.0.7", "10.0.0.7:5679", true),
            ("::ffff:10.0.0.7", "10.0.0.7:5679", true),
            ("10.0.0.7", "10.0.0.8:5679", false),
            ("10.0.0.7", "server:5679", true),
            ("10.0.0.7", "Server.LAN:5679", true),
            ("10.0.0.7", "server.evil.example:5679", false),
            ("10.0.0.7", "server.local:5679", true),
            // Whoever answers for these names could have them point to loopback, too.
            ("127.0.0.1", "server:5679", false),
            ("127.0.0.1", "server.local:5679", false),
            ("127.0.0.1", "server.lan", false),
            ("::1", "server.local:5679", false),
            ("::ffff:127.0.0.1", "server.local:5679", false),
            // Behind a proxy with a name and port of its own.
            ("127.0.0.1", "monitor.ops.example", true),
            ("127.0.0.1", "monitor.ops.example:8443", true),
            ("127.0.0.1", "10.9.9.9:8443", true),
        ];
        for (ours, host, expected) in table {
            assert_eq!(is_ours(ours, host), expected, "{ours} {host:?}");
        }
    }

    #[test]
    fn which_pages_may_change_something() {
        let cors = ["https://ops.example".to_owned(), "http://Panel.example:8080/".to_owned()];
        let host = Some("localhost:5679");
        let table = [
            // Origin, Sec-Fetch-Site, may.
            (None, None, true),
            (None, Some("none"), true),
            (None, Some("same-origin"), true),
            (None, Some("same-site"), false),
            (None, Some("cross-site"), false),
            (Some("http://localhost:5679"), Some("same-origin"), true),
            (Some("https://localhost:5679"), None, true),
            (Some("http://localhost:3000"), Some("same-site"), false),
            (Some("http://localhost"), None, false),
            (Some("http://evil.example"), None, false),
            (Some("http://evil.example"), Some("none"), false),
            (Some("null"), None, false),
            (Some(""), None, false),
            (Some("https://ops.example"), Some("cross-site"), true),
            (Some("http://ops.example"), Some("cross-site"), false),
            (Some("https://ops.example.evil"), None, false),
            (Some("http://panel.example:8080"), None, true),
            (Some("file://localhost:5679"), None, false),
        ];
        for (origin, site, may) in table {
            let page = Page { origin, site, host };
            assert_eq!(page.may_change(&cors).is_ok(), may, "{origin:?} {site:?}");
        }
        assert!(Page { origin: Some("http://x"), site: None, host: None }.may_change(&[]).is_err());
    }

    #[test]
    fn a_star_is_never_an_origin() {
        for bad in
            ["*", "null", "", "https://*.example.com", "https://", "://x", "https://x:99999", "https://a b"]
        {
            assert_eq!(origin_problems(&[bad.to_owned()]).count(), 1, "{bad}");
            assert_eq!(
                Page { origin: Some(bad), ..Page::default() }.listed(&[bad.to_owned()]),
                None,
                "{bad}"
            );
        }
        for good in
            ["https://ops.example.com", "http://10.0.0.5:8080/", "http://[::1]:80", "http://localhost:3000"]
        {
            assert_eq!(origin_problems(&[good.to_owned()]).count(), 0, "{good}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_no_foreign_name_is_ours(text in any::<String>(), name in "[a-z]{1,9}\\.(com|evil)(:[0-9]{1,6})?") {
            let _either = is_ours("127.0.0.1", &text);
            prop_assert!(!is_ours("127.0.0.1", &name));
            let page = Page { origin: Some(&text), site: Some(&text), host: Some("localhost:5679") };
            prop_assert!(page.may_change(&[]).is_err() || text.to_ascii_lowercase().ends_with("://localhost:5679"));
        }
    }
}
