//! Serving a router over TCP, within bounds: who connects and says nothing, sends a little at a time, does not read
//! his answer, or opens connections without end, keeps nobody else waiting.
//!
//! | what | how long, how much |
//! | --- | --- |
//! | connections | as the [`Gate`] says; who finds no room is told so, and the connection closed |
//! | the head of a request, and the wait for the next request | [`HEAD_WITHIN`], [`LONGEST_HEAD`] |
//! | the body | `bounds`, a middleware |
//! | an answer that the other side does not read | [`READ_WITHIN`] without any progress |

use super::conversation::{Bounds, Closing, Origin, speak};
use super::encryption::{self, Encryption, is_handshake, refuse_plain};
use super::gate::{Caller, Full, Gate, Pass};
use super::patient::Patient;
use super::transport::Transport;
use axum::Router;
use process_monitor_core::access::Holder;
use process_monitor_host::control::ControlListener;
use process_monitor_host::peer;
use process_monitor_host::process::limits;
use process_monitor_host::tls::ServerTls;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

/// How long the head of a request may take, and how long a connection may be idle.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;

const BOUNDS: Option<Bounds> = Some(Bounds { head_within: HEAD_WITHIN, longest_head: LONGEST_HEAD });

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
    over: watch::Sender<bool>,
    connections: JoinSet<()>,
}

impl Farewell {
    /// Has every connection end after the answer that is under way, and cuts those that take longer than `within`.
    pub async fn finish(mut self, within: Duration) {
        let all = async {
            self.over.send_replace(true);
            while self.connections.join_next().await.is_some() {}
        };
        if timeout(within, all).await.is_err() {
            tracing::debug!("some connections were cut");
        }
    }
}

/// Serves on `listener` until `over` changes or is dropped; then nobody listens any more, and the connections
/// that stand are given back.
pub async fn serve(
    listener: Arc<TcpListener>,
    service: Service,
    mut over: watch::Receiver<bool>,
) -> Farewell {
    let (last, mut connections) = (watch::Sender::new(false), JoinSet::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_ended) = connections.join_next() => continue,
            _ = over.changed() => return Farewell { over: last, connections },
        };
        match accepted {
            Ok((stream, peer)) => {
                if let Some(caller) = admit(&stream, peer, &service) {
                    connections.spawn(converse(stream, caller, service.clone(), Closing::of(&last)));
                }
            }
            Err(error) => {
                tracing::debug!(%error, "cannot take a connection");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

/// Serves `router` on the control socket, as [`serve`] does over TCP; its folder lets nobody in who would have to be
/// kept within bounds.
pub async fn serve_control(
    listener: Arc<ControlListener>,
    router: Router,
    mut over: watch::Receiver<bool>,
) -> Farewell {
    let (last, mut connections) = (watch::Sender::new(false), JoinSet::new());
    let origin = Origin { transport: Transport::Control, holder: None };
    let converse = |stream| speak(stream, origin, router.clone(), None, Closing::of(&last));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_ended) = connections.join_next() => continue,
            _ = over.changed() => break,
        };
        match accepted {
            Ok(stream) => drop(connections.spawn(converse(stream))),
            Err(error) => {
                tracing::debug!(%error, "cannot take a connection");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
    match listener.rest().await {
        Ok(None) => {}
        Ok(Some(stream)) => drop(connections.spawn(converse(stream))),
        Err(error) => tracing::debug!(%error, "who connects now may have to try again"),
    }
    Farewell { over: last, connections }
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
    let room = limits::has_room_for_clients(stream).then_some(()).ok_or(Full::NoDescriptors);
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

async fn converse(stream: TcpStream, admitted: Admitted, service: Service, mut closing: Closing) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::trace!(%error, "cannot switch Nagle's algorithm off");
    }
    let Admitted { peer, ours, holder, _pass } = admitted;
    let origin = |tls| Origin { transport: Transport::Tcp { peer, ours, tls }, holder: Some(holder) };
    let Some(tls) = service.encryption.get() else {
        let stream = Patient::new(stream, READ_WITHIN);
        return speak(stream, origin(false), service.router, BOUNDS, closing).await;
    };
    let begun = closing.unless_late(timeout(HEAD_WITHIN, begin(stream, tls))).await;
    let Some(begun) = begun else { return };
    match begun {
        Ok(Ok(Begun::Encrypted(stream))) => {
            speak(stream, origin(true), service.router, BOUNDS, closing).await;
        }
        Ok(Ok(Begun::Plain(stream))) => {
            let router = if is_local(peer) { service.router } else { refuse_plain() };
            speak(stream, origin(false), router, BOUNDS, closing).await;
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
