//! The server's thread: accepting, one task per connection, and stopping.

use crate::answer::Answers;
use crate::limits::{HEAD_BYTES, HEADERS};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// After a failed `accept` that is not about one connection (no descriptor left): at once would burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Becomes true, or loses its sender, when the server is to stop.
pub(crate) type Stop = watch::Receiver<bool>;

/// Serves until `stop`, calls `closed` when nothing more is accepted, and finishes what is under way within the time
/// for that. Returns how many connections were cut off.
pub(crate) async fn serve(
    listener: TcpListener,
    answers: Arc<Answers>,
    mut stop: Stop,
    closed: impl FnOnce(),
) -> usize {
    let mut connections = JoinSet::new();
    let places = Arc::new(Semaphore::new(answers.limits.connections));
    loop {
        // No place, no accept: who comes waits in the system's queue, and costs us nothing.
        let next = async { (Arc::clone(&places).acquire_owned().await.ok(), listener.accept().await) };
        match before(stopped(&mut stop), pin!(next)).await {
            None => break,
            Some((place, Ok((stream, _)))) => {
                let (answers, stop) = (Arc::clone(&answers), stop.clone());
                connections.spawn(async move {
                    connection(stream, answers, stop).await;
                    drop(place);
                });
            }
            Some((_, Err(error))) if concerns_one_connection(&error) => {}
            Some((_, Err(_))) => sleep(ACCEPT_PAUSE).await,
        }
        // What has ended is forgotten.
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    closed();
    let all_ended = async { while connections.join_next().await.is_some() {} };
    match timeout(answers.limits.stop_time, all_ended).await {
        Ok(()) => 0,
        Err(_) => connections.len(),
    }
}

/// One connection, which is one request: a prober asks every few seconds, so keeping connections open would spare nobody
/// anything, and would make room for those who only sit in them.
async fn connection(stream: TcpStream, answers: Arc<Answers>, mut stop: Stop) {
    let limits = &answers.limits;
    // A request is under way once its head has been read.
    let asked = AtomicBool::new(false);
    let service = service_fn(|request| {
        asked.store(true, Ordering::Relaxed);
        let answers = Arc::clone(&answers);
        async move { Ok::<_, Infallible>(answers.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.read_time)
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .keep_alive(false)
        // Clients such as `nc` close their side once they have asked.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(timeout(limits.connection_time(), connection));
    // How it ended is the client's affair: it has its answer, or it went away.
    if before(stopped(&mut stop), connection.as_mut()).await.is_none() && asked.load(Ordering::Relaxed) {
        drop(connection.await);
    }
}

/// The output of `future`, or nothing if `end` comes first. When both are there, `future` is.
async fn before<F: Future>(end: impl Future<Output = ()>, mut future: Pin<&mut F>) -> Option<F::Output> {
    let mut end = pin!(end);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => end.as_mut().poll(context).map(|()| None),
    })
    .await
}

async fn stopped(stop: &mut Stop) {
    match stop.wait_for(|stop| *stop).await {
        // An error means that nobody is left who could say so.
        Ok(_) | Err(_) => {}
    }
}

/// Such errors of `accept(2)` belong to the connection that was to be accepted; the next one may be fine.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
