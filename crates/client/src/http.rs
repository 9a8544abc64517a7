//! One request of HTTP/1.1 over a byte stream, and its answer.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use std::error::Error as StdError;
use std::fmt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;

/// No answer is larger; 10,000 processes make about 10 MB.
const MAX_ANSWER_BYTES: usize = 256 << 20;

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// A request: what to do, to what, and with which JSON.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<Vec<u8>>,
    /// The event after which a stream of events goes on.
    pub(crate) last_event: Option<String>,
}

impl Call {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), body: None, last_event: None }
    }

    fn into_request(self) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let mut request =
            Request::builder().method(self.method).uri(self.path).header(header::HOST, "localhost");
        if self.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(last) = self.last_event {
            request = request.header("last-event-id", last);
        }
        request.body(Full::new(Bytes::from(self.body.unwrap_or_default())))
    }
}

/// `GET /processes`
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// Sends `call` over `stream`, which is used for nothing else, and reads the whole answer.
pub(crate) async fn send<S>(stream: S, call: Call) -> Result<Reply, Box<dyn StdError + Send + Sync>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (response, _open) = open(stream, call).await?;
    read(response).await
}

/// Reads the whole of an answer.
pub(crate) async fn read(response: Response<Incoming>) -> Result<Reply, Box<dyn StdError + Send + Sync>> {
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await?.to_bytes();
    Ok(Reply { status, body })
}

/// A connection with an answer under way; it is closed when this is dropped.
#[derive(Debug)]
pub(crate) struct Open {
    _sender: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Sends `call` over `stream`, which is used for nothing else, and returns when the answer begins.
pub(crate) async fn open<S>(
    stream: S,
    call: Call,
) -> Result<(Response<Incoming>, Open), Box<dyn StdError + Send + Sync>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Its errors come out of `sender` and the body, too.
    let driver = tokio::spawn(connection).abort_handle();
    let response = sender.send_request(call.into_request()?).await?;
    Ok((response, Open { _sender: sender, driver }))
}
