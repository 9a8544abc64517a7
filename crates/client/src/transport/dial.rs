//! Making a connection.

use super::link::Link;
use hyper::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use process_monitor_host::control;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

/// Any error of making a connection, or of talking over it.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// To whom.
#[derive(Clone)]
pub(crate) enum Dial {
    /// The control socket, whatever the request's address says.
    Socket(PathBuf),
    /// The host that the request names, with TLS if the request's scheme says so.
    Tcp(HttpsConnector<HttpConnector>),
}

impl Dial {
    /// Over TCP; an address that does not answer within `wait` is given up.
    pub(crate) fn tcp(wait: Duration, tls: rustls::ClientConfig) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(wait));
        connector.set_nodelay(true);
        connector.enforce_http(false);
        let secured = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        Self::Tcp(secured.wrap_connector(connector))
    }
}

impl Service<Uri> for Dial {
    type Response = Link;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Link, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Self::Socket(_) => Poll::Ready(Ok(())),
            Self::Tcp(connector) => connector.poll_ready(cx),
        }
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        match self {
            Self::Socket(path) => {
                let path = path.clone();
                Box::pin(async move { Ok(Link::Socket(TokioIo::new(control::connect(&path).await?))) })
            }
            Self::Tcp(connector) => {
                let connecting = connector.call(uri);
                Box::pin(async move { Ok(Link::Tcp(Box::new(connecting.await?))) })
            }
        }
    }
}
