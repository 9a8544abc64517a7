//! Requests over HTTP/1.1, on connections that are used again: to the control socket, or to a host.
//!
//! | file | what |
//! | --- | --- |
//! | `dial` | making a connection |
//! | `link` | the connection, of either kind |
//! | `tls` | whose certificate is believed |

mod dial;
mod link;
mod tls;

pub(crate) use dial::BoxError;
pub use tls::Trust;
pub(crate) use tls::Untrusted;

use crate::call::Call;
use crate::{Error, Token, Url};
use bytes::Bytes;
use dial::Dial;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Response, StatusCode, header::HeaderMap};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::path::PathBuf;
use std::time::Duration;

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(20);

/// How many unused connections are kept.
const MOST_IDLE: usize = 32;

/// What a monitor may read of who asks.
const AGENT: &str = concat!("process-monitor-client/", env!("CARGO_PKG_VERSION"));

/// A whole answer.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failed {
    /// There was no connection, so nothing was asked.
    NotMade(BoxError),
    /// It broke, and what became of the request is unknown.
    Broken(BoxError),
}

impl From<hyper_util::client::legacy::Error> for Failed {
    fn from(error: hyper_util::client::legacy::Error) -> Self {
        match error.is_connect() {
            true => Self::NotMade(Box::new(error)),
            false => Self::Broken(Box::new(error)),
        }
    }
}

/// The way to one monitor.
pub(crate) struct Transport {
    base: Url,
    authorization: Option<HeaderValue>,
    pool: Client<Dial, Full<Bytes>>,
}

impl Transport {
    /// To the control socket at `path`.
    pub(crate) fn socket(path: PathBuf) -> Self {
        Self::new(Url::of_socket(), None, Dial::Socket(path))
    }

    /// To the host of `base`, each of whose addresses is given `wait` to take a connection.
    pub(crate) fn remote(
        base: Url,
        trust: &Trust,
        token: Option<&Token>,
        wait: Duration,
    ) -> Result<Self, Error> {
        let authorization = token.map(Token::header).transpose()?;
        Ok(Self::new(base, authorization, Dial::tcp(wait, tls::config(trust)?)))
    }

    fn new(base: Url, authorization: Option<HeaderValue>, dial: Dial) -> Self {
        let pool = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MOST_IDLE)
            .build(dial);
        Self { base, authorization, pool }
    }

    /// Asks, and returns when the answer begins.
    pub(crate) async fn open(&self, call: &Call) -> Result<Response<Incoming>, Failed> {
        let request = self.request(call).map_err(|error| Failed::NotMade(Box::new(error)))?;
        Ok(self.pool.request(request).await?)
    }

    /// Asks, and returns the whole answer unless it is longer than `most` bytes.
    pub(crate) async fn exchange(&self, call: &Call, most: usize) -> Result<Reply, Failed> {
        read(self.open(call).await?, most).await
    }

    fn request(&self, call: &Call) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let uri = self.base.join(&call.path)?;
        let mut request = Request::builder().method(call.method.clone()).header(USER_AGENT, AGENT);
        if let Some(authority) = uri.authority() {
            request = request.header(HOST, authority.as_str());
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if call.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        request.uri(uri).body(Full::new(call.body.clone().unwrap_or_default()))
    }
}

/// Reads the whole of an answer.
pub(crate) async fn read(response: Response<Incoming>, most: usize) -> Result<Reply, Failed> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, most).collect().await.map_err(Failed::Broken)?.to_bytes();
    Ok(Reply { status: head.status, headers: head.headers, body })
}
