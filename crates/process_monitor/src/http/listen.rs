//! Serving a router over TCP, within bounds: who connects and says nothing, sends a little at a time, does not read
//! his answer, or opens connections without end, keeps nobody else waiting.
//!
//! | what | how long, how much |
//! | --- | --- |
//! | connections | as the [`Gate`] says; who finds no room is told so, and the connection closed |
//! | the head of a request, and the wait for the next request | [`HEAD_WITHIN`], [`LONGEST_HEAD`] |
//! | the body | `bounds`, a middleware |
//! | an answer that the other side does not read | [`READ_WITHIN`] without any progress |

use super::encryption::{self, Encryption, is_handshake, refuse_plain};
use super::gate::{Caller, Full, Gate, Pass};
use super::patient::Patient;
use super::transport::Transport;
use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use process_monitor_core::access::Holder;
use process_monitor_host::peer;
use process_monitor_host::process::limits;
use process_monitor_host::tls::ServerTls;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tower_service::Service as _;

/// How long the head of a request may take, and how long a connection may be idle.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;

/// How long an answer waits for its reader.
const READ_WITHIN: Duration = Duration::from_secs(30);

/// After an error of accept(2) that concerns no single connection, such as no descriptor left.
const BREATH: Duration = Duration::from_millis(200);

/// What is said to who finds no room. Written by hand, because there shall be no work in it.
const NO_ROOM: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 5\r\n\
    connection: close\r\ncontent-length: 99\r\n\r\n\
    {\"error\":\"too many connections are open; close some, or try again in 5 s\",\"code\":\"rate_limited\"}   ";

/// What is served, and to how many.
#[derive(Clone)]
pub struct Service {
    /// Answers.
    pub router: Router,
    /// Lets connections in.
    pub gate: Gate,
    /// Whether TLS is spoken.
    pub encryption: Encryption,
    /// Whether it matters which user of this machine a connection belongs to.
    pub knows_users: bool,
}

/// Connections that are still served after their listener was closed.
pub struct Farewell {
    graceful: GracefulShutdown,
    connections: JoinSet<()>,
}

impl Farewell {
    /// Has every connection end after the answer that is under way, and cuts those that take longer than `within`.
    pub async fn finish(mut self, within: Duration) {
        let all = async {
            self.graceful.shutdown().await;
            while self.connections.join_next().await.is_some() {}
        };
        if timeout(within, all).await.is_err() {
            tracing::debug!("some connections were cut");
        }
    }
}

/// Serves on `listener` until `over` changes or is dropped; then nobody listens any more, and the connections
/// that stand are given back.
pub async fn serve(listener: TcpListener, service: Service, mut over: watch::Receiver<bool>) -> Farewell {
    let (graceful, mut connections) = (GracefulShutdown::new(), JoinSet::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_ended) = connections.join_next() => continue,
            _ = over.changed() => return Farewell { graceful, connections },
        };
        match accepted {
            Ok((stream, peer)) => {
                if let Some(caller) = admit(&stream, peer, &service) {
                    connections.spawn(converse(stream, caller, service.clone(), graceful.watcher()));
                }
            }
            Err(error) => {
                tracing::debug!(%error, "cannot take a connection");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

/// Who is at the other end of a connection that was let in.
struct Admitted {
    peer: SocketAddr,
    ours: SocketAddr,
    holder: Holder,
    _pass: Pass,
}

/// Lets a connection in; who finds no room is told so.
fn admit(stream: &TcpStream, peer: SocketAddr, service: &Service) -> Option<Admitted> {
    // Gone already.
    let ours = stream.local_addr().ok()?;
    // Asked once: the answer holds for as long as the connection stands.
    let holder = if service.knows_users { peer::holder(peer, ours) } else { Holder::Unknown };
    let room = limits::has_room_for_clients(stream.as_fd()).then_some(()).ok_or(Full::NoDescriptors);
    match room.and_then(|()| service.gate.enter(Caller::new(peer.ip(), holder.user()))) {
        Ok(pass) => Some(Admitted { peer, ours, holder, _pass: pass }),
        Err(full) => {
            service.gate.complain(full, peer);
            // Who does not even take this is not waited for.
            let _unheard = stream.try_write(NO_ROOM);
            None
        }
    }
}

async fn converse(stream: TcpStream, admitted: Admitted, service: Service, watcher: Watcher) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::trace!(%error, "cannot switch Nagle's algorithm off");
    }
    let Admitted { peer, ours, holder, _pass } = admitted;
    let origin = |tls| (Transport::Tcp { peer, ours, tls }, holder);
    let Some(tls) = service.encryption.get() else {
        return speak(Patient::new(stream, READ_WITHIN), origin(false), service.router, watcher).await;
    };
    match timeout(HEAD_WITHIN, begin(stream, tls)).await {
        Ok(Ok(Begun::Encrypted(stream))) => speak(stream, origin(true), service.router, watcher).await,
        Ok(Ok(Begun::Plain(stream))) => {
            let router = if is_local(peer) { service.router } else { refuse_plain() };
            speak(stream, origin(false), router, watcher).await;
        }
        Ok(Err(error)) => tracing::debug!(%peer, "a connection did not come to TLS: {error}"),
        Err(_) => tracing::debug!(%peer, "a connection did not come to TLS in time"),
    }
}

/// What the other side has chosen to speak.
enum Begun {
    Plain(Patient<TcpStream>),
    Encrypted(Box<TlsStream<Patient<TcpStream>>>),
}

async fn begin(stream: TcpStream, tls: Arc<ServerTls>) -> io::Result<Begun> {
    let encrypted = is_handshake(&stream).await?;
    let stream = Patient::new(stream, READ_WITHIN);
    if !encrypted {
        return Ok(Begun::Plain(stream));
    }
    encryption::accept(tls, stream).await.map(Box::new).map(Begun::Encrypted)
}

fn is_local(peer: SocketAddr) -> bool {
    peer.ip().to_canonical().is_loopback()
}

/// Speaks HTTP on a stream. Each request is told how it came.
async fn speak<S>(stream: S, origin: (Transport, Holder), router: Router, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(origin.0);
        request.extensions_mut().insert(origin.1);
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::trace!(%error, "a connection ended badly");
    }
}
