//! A running server: where it is, how it is stopped.

use crate::answer::{Answers, health_of};
use crate::callback::{Places, Shared};
use crate::serve::serve;
use crate::{Error, Health};
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// A running server. Dropping it stops the server, so it must be kept for as long as it is to answer: dropped, it
/// accepts no more and frees the port before `drop` returns; requests under way are finished behind it, within
/// [`stop_timeout`](crate::Server::stop_timeout), unless the program ends first.
#[must_use = "dropping the handle stops the server"]
pub struct Handle {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    /// Loses its sender when nothing is accepted any more.
    closed: mpsc::Receiver<()>,
    /// How many requests were cut off, once that is known.
    ended: watch::Receiver<Option<usize>>,
    thread: Option<JoinHandle<usize>>,
    health: Arc<Shared<Health>>,
    places: Places,
}

impl Handle {
    /// Starts the server's thread. Its runtime is made there, so that no other thread has to drop it: that panics inside
    /// a caller's runtime.
    pub(crate) fn launch(
        listener: TcpListener,
        address: SocketAddr,
        threads: usize,
        health: Arc<Shared<Health>>,
        answers: impl FnOnce(tokio::runtime::Handle) -> Answers + Send + 'static,
    ) -> Result<Self, Error> {
        let (stop, stop_seen) = watch::channel(false);
        let (still_open, closed) = mpsc::channel();
        let (end, ended) = watch::channel(None);
        let (tell_start, started) = mpsc::channel();
        let body = move || {
            let (runtime, listener) = match begin(listener, threads) {
                Ok(begun) => begun,
                Err(source) => {
                    report(&tell_start, Err(source));
                    return 0;
                }
            };
            let answers = Arc::new(answers(runtime.handle().clone()));
            report(&tell_start, Ok(answers.places.clone()));
            let cut_off = runtime.block_on(serve(listener, answers, stop_seen, move || drop(still_open)));
            // Not a drop: that would wait for callbacks that hang.
            runtime.shutdown_background();
            end.send_replace(Some(cut_off));
            cut_off
        };
        let thread = thread::Builder::new().name("aliveness".into()).spawn(body);
        let thread = thread.map_err(|source| Error::Start { source })?;
        let places = started.recv().unwrap_or_else(|_| Err(io::Error::other("the thread ended at once")));
        let places = places.map_err(|source| Error::Start { source })?;
        Ok(Self { address, stop, closed, ended, thread: Some(thread), health, places })
    }

    /// Where it listens, with the port that the system chose if it was asked to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: accepts no more, finishes the requests under way within
    /// [`stop_timeout`](crate::Server::stop_timeout), and waits for that. Clients whose request has not arrived are cut off
    /// at once. Returns how many requests had to be cut off.
    ///
    /// Blocks: inside a runtime, [`stop_async`](Handle::stop_async) is the right one.
    pub fn stop(mut self) -> usize {
        self.stop.send_replace(true);
        // The thread catches what callbacks do; should it panic itself, there is nothing left to cut off.
        self.thread.take().map_or(0, |thread| thread.join().unwrap_or(0))
    }

    /// [`stop`](Handle::stop) for async: waits without keeping the thread. If the future is dropped before its end, the
    /// server stops all the same.
    pub async fn stop_async(mut self) -> usize {
        self.stop.send_replace(true);
        // An error: the thread ended without a word, see `stop`.
        self.ended.wait_for(Option::is_some).await.map_or(0, |cut_off| cut_off.unwrap_or(0))
    }

    /// The health callback as `/health` asks it, with its bound in time, for others to ask: a
    /// [`Watchdog`](crate::sd_notify::Watchdog), or a log. The result blocks for at most
    /// [`callback_timeout`](crate::Server::callback_timeout), and is unhealthy when the server has been stopped.
    pub fn probe(&self) -> impl Fn() -> Health + Send + Sync + 'static {
        let (health, places) = (Arc::clone(&self.health), self.places.clone());
        move || {
            let (tell, told) = mpsc::channel();
            let (health, asked) = (Arc::clone(&health), places.clone());
            places.own.spawn(async move {
                // Only fails when the asker is gone.
                drop(tell.send(health_of(&health, &asked).await));
            });
            told.recv().unwrap_or_else(|_| Health::unhealthy("the health server has been stopped"))
        }
    }
}

/// Stops without waiting for requests under way: `drop` may run inside a runtime, and those may need it.
impl Drop for Handle {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        // Always an error: the sender is only ever dropped. From then on the port is free.
        self.closed.recv().unwrap_or(());
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What the thread needs before it can serve.
fn begin(listener: TcpListener, threads: usize) -> io::Result<(Runtime, tokio::net::TcpListener)> {
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(threads)
        .thread_name("aliveness-call")
        .build()?;
    let listener = {
        let _inside = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    Ok((runtime, listener))
}

fn report(to: &mpsc::Sender<io::Result<Places>>, start: io::Result<Places>) {
    // `launch` waits for it; if it is gone, so is the program.
    drop(to.send(start));
}
