//! One connection: HTTP on a stream, and its end when it is over. Who has connected already, and whose first request is
//! still on its way, is served like everybody whose request is under way.

use super::transport::Transport;
use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use process_monitor_core::access::Holder;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, watch};
use tower_service::Service as _;

/// How long a first request may still be on its way when it is over.
const FIRST_REQUEST: Duration = Duration::from_millis(250);

/// Bytes that a connection without bounds, the control socket's, keeps for a reader that does not read; hyper would keep 400 KiB.
const LOCAL_BUFFER: usize = 64 << 10;

/// What every request on a connection is told of it.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    /// How it came.
    pub transport: Transport,
    /// Who holds the other end, where that matters.
    pub holder: Option<Holder>,
}

/// Bounds of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How long the head of a request may take, and how long a connection may be idle.
    pub head_within: Duration,
    /// The longest head of a request, in bytes.
    pub longest_head: usize,
}

/// Learns that it is over.
#[derive(Clone)]
pub struct Closing(watch::Receiver<bool>);

impl Closing {
    /// What the receivers of `over` are told, by a change or by its being dropped.
    pub fn of(over: &watch::Sender<bool>) -> Self {
        Self(over.subscribe())
    }

    async fn announced(&mut self) {
        // An error means that the sender was dropped, which means the same.
        let _dropped = self.0.wait_for(|over| *over).await;
    }

    /// Carries `beginning` out, unless it is over before that has come to an end, or hardly after.
    pub async fn unless_late<T>(&mut self, beginning: impl Future<Output = T>) -> Option<T> {
        let late = async {
            self.announced().await;
            tokio::time::sleep(FIRST_REQUEST).await;
        };
        tokio::select! {
            begun = beginning => Some(begun),
            () = late => None,
        }
    }
}

/// Speaks HTTP on a stream until the other side ends it, or it is over. Each request is told how it came.
pub async fn speak<S>(stream: S, origin: Origin, router: Router, bounds: Option<Bounds>, mut closing: Closing)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (asked, first) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
    let (has_asked, is_first) = (Arc::clone(&asked), Arc::clone(&first));
    let service = service_fn(move |mut request: Request<Incoming>| {
        has_asked.store(true, Ordering::Relaxed);
        is_first.notify_one();
        request.extensions_mut().insert(origin.transport);
        if let Some(holder) = origin.holder {
            request.extensions_mut().insert(holder);
        }
        router.clone().call(request)
    });
    let mut connection = pin!(builder(bounds).serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        ended = connection.as_mut() => return note(ended),
        () = closing.announced() => {}
    }
    // hyper would close a connection at once on which nothing has been read.
    if !asked.load(Ordering::Relaxed) {
        tokio::select! {
            ended = connection.as_mut() => return note(ended),
            () = first.notified() => {}
            () = tokio::time::sleep(FIRST_REQUEST) => {}
        }
    }
    connection.as_mut().graceful_shutdown();
    note(connection.await);
}

fn builder(bounds: Option<Bounds>) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new());
    match bounds {
        Some(Bounds { head_within, longest_head }) => {
            builder.header_read_timeout(head_within).max_buf_size(longest_head);
        }
        None => drop(builder.header_read_timeout(None).max_buf_size(LOCAL_BUFFER)),
    }
    builder
}

fn note(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::trace!(%error, "a connection ended badly");
    }
}
