//! Calling what the program gave us, so that nothing it does (panic, hang, block) reaches the server.
//!
//! No callback runs on the server's thread. A closure runs on a thread of a pool; an async one on the runtime that
//! the server was started in, so that a runtime whose threads are all stuck is seen as what it is: a program that hangs.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What the program gave us to call.
pub(crate) enum Callback<A, T> {
    Sync(Arc<dyn Fn(A) -> T + Send + Sync>),
    Async(Arc<dyn Fn(A) -> Boxed<T> + Send + Sync>),
}

/// Where callbacks run, and for how long.
#[derive(Clone)]
pub(crate) struct Places {
    /// The server's own runtime: one thread that must never be kept, and a pool of threads that may be.
    pub(crate) own: Handle,
    /// The runtime in which the server was started, if it was in one.
    pub(crate) caller: Option<Handle>,
    /// The time that a callback has.
    pub(crate) limit: Duration,
}

/// Why a callback gave no value.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// With what it said.
    Panicked(String),
    /// It was called then, and has not answered in its time.
    Late(Instant),
    /// The runtime it runs on has ended.
    Gone,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(message) => write!(f, "panicked: {message}"),
            Self::Late(since) => write!(f, "has not answered for {} ms", since.elapsed().as_millis()),
            Self::Gone => write!(f, "cannot run: the runtime of the program has ended"),
        }
    }
}

/// The result of a call, once it is there. A sender that is gone without one means [`Failure::Gone`].
pub(crate) type Outcome<T> = watch::Receiver<Option<Result<T, Failure>>>;

/// Waits for the result of a call.
pub(crate) async fn outcome<T: Clone>(mut coming: Outcome<T>) -> Result<T, Failure> {
    match coming.wait_for(Option::is_some).await {
        Ok(value) => value.clone().unwrap_or(Err(Failure::Gone)),
        Err(_) => Err(Failure::Gone),
    }
}

impl<A: Send + 'static, T: Clone + Send + Sync + 'static> Callback<A, T> {
    /// Starts a call and sees to its end. `hold` is let go when the callback has really ended, which for one that hangs
    /// may be never; for one that ends in time, before its result is told.
    pub(crate) fn launch<H: Send + 'static>(&self, argument: A, places: &Places, hold: H) -> Outcome<T> {
        let (tell, told) = watch::channel(None);
        let since = Instant::now();
        let mut call = self.spawn(argument, places);
        let limit = places.limit;
        places.own.spawn(async move {
            match timeout(limit, &mut call).await {
                Ok(ended) => {
                    drop(hold);
                    tell.send_replace(Some(unfold(ended, since)));
                }
                Err(_) => {
                    tell.send_replace(Some(Err(Failure::Late(since))));
                    // What waits is cancelled by this; what blocks its thread cannot be, and is waited for.
                    call.abort();
                    drop(call.await);
                    drop(hold);
                }
            }
        });
        told
    }

    /// The inner `None`: cancelled, because it was late.
    fn spawn(&self, argument: A, places: &Places) -> JoinHandle<Option<T>> {
        match (self, &places.caller) {
            (Self::Sync(callback), _) => {
                let callback = Arc::clone(callback);
                places.own.spawn_blocking(move || Some(callback(argument)))
            }
            (Self::Async(callback), Some(caller)) => {
                let callback = Arc::clone(callback);
                caller.spawn(async move { Some(callback(argument).await) })
            }
            (Self::Async(callback), None) => {
                // A thread of the pool drives it: even an async callback that blocks then keeps nobody else.
                let (callback, own, limit) = (Arc::clone(callback), places.own.clone(), places.limit);
                places.own.spawn_blocking(move || {
                    own.block_on(async { timeout(limit, callback(argument)).await.ok() })
                })
            }
        }
    }
}

fn unfold<T>(ended: Result<Option<T>, JoinError>, since: Instant) -> Result<T, Failure> {
    match ended {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err(Failure::Late(since)),
        Err(error) if error.is_panic() => Err(Failure::Panicked(panic_message(error.into_panic().as_ref()))),
        Err(_) => Err(Failure::Gone),
    }
}

/// What a panic said; most say it with a string.
pub(crate) fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}

/// A callback that is never called again while a call of it goes on: whoever asks meanwhile gets the result of that call.
/// So one that hangs keeps one thread, however often it is asked for, and a crowd of askers costs one call.
pub(crate) struct Shared<T> {
    callback: Callback<(), T>,
    under_way: Mutex<Option<Outcome<T>>>,
}

impl<T: Clone + Send + Sync + 'static> Shared<T> {
    pub(crate) fn new(callback: Callback<(), T>) -> Self {
        Self { callback, under_way: Mutex::new(None) }
    }

    /// The callback's answer. At once, when the call that goes on is late already.
    pub(crate) async fn ask(&self, places: &Places) -> Result<T, Failure> {
        outcome(self.join_or_begin(places)).await
    }

    fn join_or_begin(&self, places: &Places) -> Outcome<T> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        // Its sender lives exactly as long as the call is seen to.
        if let Some(call) = under_way.as_ref().filter(|call| call.has_changed().is_ok()) {
            return call.clone();
        }
        let call = self.callback.launch((), places, ());
        *under_way = Some(call.clone());
        call
    }
}
