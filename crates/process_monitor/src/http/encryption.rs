//! TLS on a connection, on the same port as without: one port to configure, and one that clients of the earlier
//! implementation know. A handshake begins with byte 0x16 (RFC 8446, 5.1), which no method of HTTP does.

use super::error::ApiError;
use arc_swap::ArcSwapOption;
use axum::Router;
use process_monitor_host::tls::ServerTls;
use std::io::{Error, ErrorKind};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The first byte of every handshake.
const HANDSHAKE: u8 = 0x16;

/// What TLS is spoken with from now on; `None`: it is not. Clones share it.
#[derive(Clone, Default)]
pub struct Encryption(Arc<ArcSwapOption<ServerTls>>);

impl Encryption {
    /// Connections that come from now on may, and those of other hosts must, speak TLS.
    pub fn set(&self, tls: Option<ServerTls>) {
        self.0.store(tls.map(Arc::new));
    }

    /// What it is now.
    pub fn get(&self) -> Option<Arc<ServerTls>> {
        self.0.load_full()
    }
}

/// Whether the other side begins a handshake; waits for its first byte.
///
/// # Errors
/// As of recv(2).
pub async fn is_handshake(stream: &TcpStream) -> Result<bool, Error> {
    let mut first = [0];
    Ok(stream.peek(&mut first).await? == 1 && first == [HANDSHAKE])
}

/// Shakes hands, with the certificate as it is on the disk now.
///
/// # Errors
/// When the other side does not speak TLS as we do.
pub async fn accept<S>(tls: Arc<ServerTls>, stream: S) -> Result<TlsStream<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = tls.config();
    // The files may be on a disk that hangs.
    let refreshed =
        tokio::task::spawn_blocking(move || tls.refresh().map(|new| new.then(|| tls.fingerprint())));
    match refreshed.await.map_err(Error::other)? {
        Ok(None) => {}
        Ok(Some(fingerprint)) => tracing::info!("the API shows a new certificate, {fingerprint}"),
        Err(error) => {
            tracing::error!(
                "the new certificate cannot be used, the old one is shown on: {error}; correct the files"
            );
        }
    }
    TlsAcceptor::from(config).accept(stream).await.map_err(|why| Error::new(ErrorKind::InvalidData, why))
}

/// Answers to other hosts that do not speak TLS where they must.
pub fn refuse_plain() -> Router {
    Router::new().fallback(async || {
        ApiError::forbidden(
            "this monitor takes requests of other hosts over TLS only; use https:// with the same port",
        )
    })
}
