//! GET, with connections that are used again.

use super::ProbeError;
use super::resolve::Resolver;
use super::tls;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, AUTHORIZATION, HeaderValue, LOCATION, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use process_monitor_core::health;
use std::sync::OnceLock;
use std::time::Duration;

/// How much of an answer is read.
const LONGEST_BODY: usize = 64 * 1024;

/// How many redirects within the same server are followed.
const REDIRECTS: usize = 5;

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(30);

/// How many unused connections are kept per server.
const IDLE_PER_HOST: usize = 4;

/// How long the rest of an answer may take that does not matter any more, for the connection to be used again.
const REST: Duration = Duration::from_secs(1);

type HttpClient = Client<HttpsConnector<HttpConnector<Resolver>>, Empty<Bytes>>;

/// A client that verifies certificates, and one that does not; each made when it is first needed.
pub(super) struct HttpClients {
    resolver: Resolver,
    plain: OnceLock<HttpClient>,
    trusting: OnceLock<HttpClient>,
}

impl HttpClients {
    pub(super) fn new(resolver: Resolver) -> Self {
        Self { resolver, plain: OnceLock::new(), trusting: OnceLock::new() }
    }

    /// Whether `url` answers as a healthy program does.
    pub(super) async fn check(
        &self,
        url: &str,
        codes: Option<&[u16]>,
        verify: bool,
    ) -> Result<(), ProbeError> {
        let response = self.get(url, codes.unwrap_or_default(), verify).await?;
        let status = response.status().as_u16();
        if codes.is_some() || status != 200 {
            let judged = health::judge(status, &[], codes).map_err(ProbeError::Answer);
            tokio::spawn(tokio::time::timeout(REST, read(response)));
            return judged;
        }
        health::judge(status, &read(response).await?, codes).map_err(ProbeError::Answer)
    }

    /// The `pid` that `url` tells.
    pub(super) async fn pid(&self, url: &str, verify: bool) -> Result<u32, ProbeError> {
        let response = self.get(url, &[], verify).await?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(ProbeError::Answer(format!("status {status}")));
        }
        health::pid_of(&read(response).await?).map_err(ProbeError::Answer)
    }

    /// Follows redirects within the same server, unless their status is among `wanted`.
    async fn get(&self, url: &str, wanted: &[u16], verify: bool) -> Result<Response<Incoming>, ProbeError> {
        let mut uri = parse(url)?;
        for _ in 0..=REDIRECTS {
            let response = self.get_surely(&uri, verify).await?;
            let status = response.status();
            let location = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let Some(to) = location.filter(|_| status.is_redirection() && !wanted.contains(&status.as_u16()))
            else {
                return Ok(response);
            };
            let next = follow(&uri, to).ok_or_else(|| ProbeError::Target(to.to_owned()))?;
            if !is_same_server(&uri, &next) {
                return Err(ProbeError::Elsewhere { status: status.as_u16(), to: shown(&next) });
            }
            uri = next;
            tokio::spawn(tokio::time::timeout(REST, read(response)));
        }
        Err(ProbeError::Circles(REDIRECTS))
    }

    /// Asks once more where no answer came: a server that closes a connection which was not used for long does so while the next request
    /// is on its way, if both wait as long. A GET may be repeated then (RFC 9110, 9.2.2).
    async fn get_surely(&self, uri: &Uri, verify: bool) -> Result<Response<Incoming>, ProbeError> {
        match self.get_once(uri, verify).await {
            Err(ProbeError::Closed) => self.get_once(uri, verify).await,
            answer => answer,
        }
    }

    async fn get_once(&self, uri: &Uri, verify: bool) -> Result<Response<Incoming>, ProbeError> {
        let mut request = Request::get(without_credentials(uri))
            .header(USER_AGENT, concat!("process_monitor/", env!("CARGO_PKG_VERSION"), " (health check)"))
            .header(ACCEPT, "*/*");
        if let Some(credentials) = credentials(uri) {
            request = request.header(AUTHORIZATION, credentials);
        }
        let request = request.body(Empty::new()).map_err(|error| ProbeError::Network(error.to_string()))?;
        self.client(verify)?.request(request).await.map_err(|error| ProbeError::client(&error))
    }

    fn client(&self, verify: bool) -> Result<&HttpClient, ProbeError> {
        let place = if verify { &self.plain } else { &self.trusting };
        if let Some(client) = place.get() {
            return Ok(client);
        }
        let config = tls::config(verify).map_err(|error| ProbeError::Tls(error.to_string()))?;
        let mut http = HttpConnector::new_with_resolver(self.resolver.clone());
        http.enforce_http(false);
        http.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .build(connector.wrap_connector(http));
        Ok(place.get_or_init(|| client))
    }
}

fn parse(url: &str) -> Result<Uri, ProbeError> {
    // What follows a # is never sent (RFC 9110, 4.2.5), and `Uri` does not take it.
    let sent = url.split('#').next().unwrap_or_default();
    let uri: Result<Uri, _> = sent.parse();
    uri.ok().filter(|uri| uri.host().is_some()).ok_or_else(|| ProbeError::Target(url.to_owned()))
}

async fn read(response: Response<Incoming>) -> Result<Bytes, ProbeError> {
    match Limited::new(response.into_body(), LONGEST_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => {
            Err(ProbeError::Endless(LONGEST_BODY))
        }
        Err(error) => Err(ProbeError::client(error.as_ref())),
    }
}

/// Where `to` leads from `from`; relative references as far as servers send them.
fn follow(from: &Uri, to: &str) -> Option<Uri> {
    if to.contains("://") {
        return parse(to).ok();
    }
    let (scheme, authority) = (from.scheme_str()?, from.authority()?);
    if let Some(rest) = to.strip_prefix("//") {
        return parse(&format!("{scheme}://{rest}")).ok();
    }
    if to.starts_with('/') {
        return parse(&format!("{scheme}://{authority}{to}")).ok();
    }
    let folder = from.path().rsplit_once('/').map_or("", |(folder, _)| folder);
    parse(&format!("{scheme}://{authority}{folder}/{to}")).ok()
}

fn is_same_server(one: &Uri, other: &Uri) -> bool {
    let port = |uri: &Uri| uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    one.scheme() == other.scheme() && one.host() == other.host() && port(one) == port(other)
}

/// Without user and password.
fn without_credentials(uri: &Uri) -> Uri {
    let mut parts = uri.clone().into_parts();
    let host = parts
        .authority
        .as_ref()
        .and_then(|authority| authority.as_str().rsplit_once('@'))
        .map(|(_, host)| host.to_owned());
    if let Some(authority) = host.and_then(|host| host.parse().ok()) {
        parts.authority = Some(authority);
    }
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

fn shown(uri: &Uri) -> String {
    without_credentials(uri).to_string()
}

fn credentials(uri: &Uri) -> Option<HeaderValue> {
    let (user, _) = uri.authority()?.as_str().rsplit_once('@')?;
    let mut value = HeaderValue::try_from(format!("Basic {}", BASE64.encode(decoded(user)))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Without percent-encoding (RFC 3986, 2.1), which a user or password with special characters needs.
fn decoded(text: &str) -> Vec<u8> {
    let mut parts = text.split('%');
    let mut decoded = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(code) => {
                decoded.push(code);
                decoded.extend(part.bytes().skip(2));
            }
            None => {
                decoded.push(b'%');
                decoded.extend(part.bytes());
            }
        }
    }
    decoded
}
