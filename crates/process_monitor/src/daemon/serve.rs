//! The main thread: serves the control socket and takes signals until supervision is over.

use super::Handle;
use super::executor::Ending;
use crate::http::transport::Transport;
use axum::Extension;
use std::io;
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// How long answers under way may take to leave once supervision is over.
pub const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Serves until `ended` tells how supervision ended.
///
/// # Errors
/// When signals cannot be taken, or supervision itself failed.
pub async fn serve(
    listener: UnixListener,
    handle: Handle,
    ended: oneshot::Receiver<io::Result<Ending>>,
) -> io::Result<Ending> {
    let (stop, stopped) = oneshot::channel::<()>();
    let router = crate::http::router(handle.clone())
        .merge(crate::http::partner::router(handle.clone()))
        .layer(Extension(Transport::Control));
    let events = handle.events().clone();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        // A dropped sender means the same.
        let _ = stopped.await;
    });
    let server = tokio::spawn(async move { server.await });
    let signals = tokio::spawn(take_signals(handle)?);
    let ending =
        ended.await.unwrap_or_else(|_| Err(io::Error::other("the supervising thread ended without a word")));
    // Streams have no end of their own.
    events.close();
    drop(stop);
    signals.abort();
    match tokio::time::timeout(LAST_ANSWERS, server).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => tracing::warn!(%error, "serving the control socket ended badly"),
        Ok(Err(error)) => tracing::error!(%error, "serving the control socket ended badly"),
        Err(_) => tracing::debug!("some connections were cut"),
    }
    ending
}

fn take_signals(handle: Handle) -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut child = signal(SignalKind::child())?;
    Ok(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => handle.shut_down(),
                _ = interrupt.recv() => handle.shut_down(),
                // A closed terminal is no reason to stop anything.
                _ = hangup.recv() => tracing::info!("SIGHUP is ignored; use --stop to stop, --restart to restart"),
                _ = child.recv() => handle.child_ended(),
            }
        }
    })
}
