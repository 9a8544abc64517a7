//! The address of a monitor's API.

use crate::Error;
use hyper::Uri;
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use process_monitor_core::id::InstanceId;
use process_monitor_core::model::DefaultPorts;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// Where a monitor's API is: `http://host:port` or `https://host:port`, with a path in front of the API's where a
/// proxy wants one. `host` and `host:port` alone are read as plain HTTP, with the API's port 5679 where none is named.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    scheme: Scheme,
    authority: Authority,
    /// Empty, or begins with a slash and does not end with one.
    prefix: String,
}

impl Url {
    /// The API at a socket's address.
    pub(crate) fn of(address: SocketAddr, tls: bool) -> Result<Self, Error> {
        format!("{}://{address}", if tls { "https" } else { "http" }).parse()
    }

    /// What stands for the control socket: no host is asked.
    pub(crate) fn of_socket() -> Self {
        Self { scheme: Scheme::HTTP, authority: Authority::from_static("localhost"), prefix: String::new() }
    }

    /// Whether TLS is spoken.
    pub fn is_tls(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// Whether what is sent there stays on this machine.
    pub fn is_loopback(&self) -> bool {
        let host = self.authority.host().trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// The whole address of a path of the API, which begins with a slash.
    pub(crate) fn join(&self, path: &str) -> Result<Uri, hyper::http::Error> {
        let path = PathAndQuery::try_from(format!("{}{path}", self.prefix))?;
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path)
            .build()
    }
}

impl FromStr for Url {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |why: &str| Error::Options {
            what: format!("{why}, as in http://host:5679 or https://host:5679"),
        };
        let (explicit, full) = match text.contains("://") {
            true => (true, text.to_owned()),
            false => (false, format!("http://{text}")),
        };
        let uri: Uri =
            full.parse().map_err(|_| wrong(&format!("{text:?} is no address of a monitor; name one")))?;
        let parts = uri.into_parts();
        let scheme = parts.scheme.filter(|scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme));
        let scheme =
            scheme.ok_or_else(|| wrong("the address of a monitor begins with http:// or https://"))?;
        let authority = parts.authority.ok_or_else(|| wrong("the address of a monitor names a host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("the address of a monitor holds no user or password; give a token instead"));
        }
        let path = parts.path_and_query;
        if path.as_ref().is_some_and(|path| path.query().is_some()) {
            return Err(wrong("the address of a monitor has no query"));
        }
        let prefix = path.map(|path| path.path().trim_end_matches('/').to_owned()).unwrap_or_default();
        let authority = match explicit || authority.port().is_some() {
            true => authority,
            false => {
                let port = DefaultPorts::of(&InstanceId::default()).api;
                Authority::try_from(format!("{authority}:{port}")).map_err(|_| wrong("this is no host"))?
            }
        };
        Ok(Self { scheme, authority, prefix })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.prefix)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_written() {
        for (text, means) in [
            ("http://nas:5679", "http://nas:5679"),
            ("HTTP://nas:5679/", "http://nas:5679"),
            ("https://nas", "https://nas"),
            ("nas", "http://nas:5679"),
            ("nas:19881", "http://nas:19881"),
            ("192.168.1.7", "http://192.168.1.7:5679"),
            ("[::1]", "http://[::1]:5679"),
            ("https://proxy/monitor/", "https://proxy/monitor"),
        ] {
            assert_eq!(text.parse::<Url>().unwrap().to_string(), means, "{text}");
        }
    }

    #[test]
    fn what_cannot() {
        for text in ["", "http://", "ftp://nas", "http://user:secret@nas", "http://nas/?a=b", "a b", "://x"] {
            let error = text.parse::<Url>().unwrap_err().to_string();
            assert!(error.contains("http://host:5679") && !error.contains("secret"), "{text}: {error}");
        }
    }

    #[test]
    fn paths_go_behind_the_prefix() {
        let url: Url = "https://proxy/monitor/".parse().unwrap();
        assert_eq!(url.join("/processes?x=1").unwrap(), "https://proxy/monitor/processes?x=1");
    }

    #[test]
    fn loopback_is_known_by_its_names() {
        for (text, expected) in [
            ("localhost", true),
            ("127.0.0.2:1", true),
            ("[::1]:1", true),
            ("10.0.0.1", false),
            ("nas", false),
        ] {
            assert_eq!(text.parse::<Url>().unwrap().is_loopback(), expected, "{text}");
        }
    }
}
