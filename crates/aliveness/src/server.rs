//! The builder: what is served, where, within which bounds.

use crate::answer::{Answers, Status};
use crate::callback::{Callback, Places, Shared};
use crate::handle::Handle;
use crate::limits::Limits;
use crate::route::{Reply, Request, Route, Routes};
use crate::{Error, Health};
use hyper::Method;
use serde::Serialize;
use serde_json::{Map, Value};
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// What is served, before it is: a builder that [`Server::start`] turns into a running server.
///
/// | path | answer |
/// | --- | --- |
/// | `GET /health` | 200 or 503, `{"healthy": …, "timestamp": …}`, with `reason` and the details that the callback gave |
/// | `GET /status` | 200, what the callback gave with `timestamp` and `pid`; without a callback these two |
/// | custom routes | what their handlers give |
///
/// A callback is never called while it still runs: those who ask meanwhile share the result. Handlers of custom routes
/// may run side by side. What a callback may do wrong, and what follows:
///
/// | it | `/health` | `/status` | custom route |
/// | --- | --- | --- | --- |
/// | panics | 503 with a reason | 500 | 500 |
/// | takes longer than [`callback_timeout`](Server::callback_timeout) | 503 with a reason | 503 | 503 |
///
/// Everything is answered to whoever reaches the port. On the default address that is every user and every program of
/// this machine, also a page in a browser: give custom routes that change things a secret of their own.
#[must_use = "a server answers nothing until it is started"]
pub struct Server {
    address: IpAddr,
    port: u16,
    health: Callback<(), Health>,
    status: Callback<(), Status>,
    routes: Vec<Route>,
    limits: Limits,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            health: Callback::Sync(Arc::new(|()| Health::healthy())),
            status: Callback::Sync(Arc::new(|()| Ok(Map::new()))),
            routes: Vec::new(),
            limits: Limits::default(),
        }
    }
}

impl Server {
    /// On 127.0.0.1 at a free port; always healthy, with an empty status.
    pub fn new() -> Self {
        Self::default()
    }

    /// The address to listen on; default 127.0.0.1, which other machines cannot reach.
    pub fn bind(mut self, address: impl Into<IpAddr>) -> Self {
        self.address = address.into();
        self
    }

    /// The port to listen on; default 0: a free one, see [`Handle::address`].
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Says whether the program is well, on a thread of its own.
    pub fn health<H: Into<Health>>(mut self, callback: impl Fn() -> H + Send + Sync + 'static) -> Self {
        self.health = Callback::Sync(Arc::new(move |()| callback().into()));
        self
    }

    /// The same for async. It runs on the runtime in which [`start`](Server::start) is called, so that a runtime that is
    /// stuck is not taken for healthy; where there is none, on a thread of its own. When it is late it is cancelled.
    pub fn health_async<F, H>(mut self, callback: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = H> + Send + 'static,
        H: Into<Health>,
    {
        self.health = Callback::Async(Arc::new(move |()| {
            let health = callback();
            Box::pin(async move { health.await.into() })
        }));
        self
    }

    /// Says what `/status` shows: anything that becomes a JSON object. `timestamp` and `pid` in it are ours.
    pub fn status<S: Serialize>(mut self, callback: impl Fn() -> S + Send + Sync + 'static) -> Self {
        self.status = Callback::Sync(Arc::new(move |()| object(callback())));
        self
    }

    /// The same for async; where it runs is told at [`health_async`](Server::health_async).
    pub fn status_async<F, S>(mut self, callback: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = S> + Send + 'static,
        S: Serialize,
    {
        self.status = Callback::Async(Arc::new(move |()| {
            let status = callback();
            Box::pin(async move { object(status.await) })
        }));
        self
    }

    /// Answers `method` on `path` (which is compared as it is sent, without the query) on a thread of a pool.
    pub fn route<R: Into<Reply>>(
        mut self,
        method: Method,
        path: impl Into<String>,
        handler: impl Fn(Request) -> R + Send + Sync + 'static,
    ) -> Self {
        let handler = Callback::Sync(Arc::new(move |request| handler(request).into()));
        self.routes.push(Route { method, path: path.into(), handler });
        self
    }

    /// The same for async; where it runs is told at [`health_async`](Server::health_async).
    pub fn route_async<F, R>(
        mut self,
        method: Method,
        path: impl Into<String>,
        handler: impl Fn(Request) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = R> + Send + 'static,
        R: Into<Reply>,
    {
        let handler = Callback::Async(Arc::new(move |request| {
            let reply = handler(request);
            Box::pin(async move { reply.await.into() })
        }));
        self.routes.push(Route { method, path: path.into(), handler });
        self
    }

    /// The time that a callback or handler has; default 1 s. Keep it below the time that the prober waits.
    pub fn callback_timeout(mut self, time: Duration) -> Self {
        self.limits.callback_time = time;
        self
    }

    /// The time that a client has to send its request's head, and again for its body; default 5 s.
    pub fn read_timeout(mut self, time: Duration) -> Self {
        self.limits.read_time = time;
        self
    }

    /// The time that requests under way have to end when the server stops; default 5 s.
    pub fn stop_timeout(mut self, time: Duration) -> Self {
        self.limits.stop_time = time;
        self
    }

    /// How many connections are served at a time (default 256, at least 1); more wait until one ends.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.limits.connections = connections.clamp(1, Semaphore::MAX_PERMITS);
        self
    }

    /// How many handlers of custom routes run at a time (default 64, at least 1), those counted that hang; more get 503.
    pub fn max_handlers(mut self, handlers: usize) -> Self {
        self.limits.handlers = handlers.clamp(1, 4096);
        self
    }

    /// The longest body that a request may have, in bytes; default 64 KiB. Longer ones get 413.
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.limits.body_bytes = bytes;
        self
    }

    /// Listens, and serves on a thread of its own until the handle is stopped or dropped. When this returns, requests
    /// are accepted. Inside a runtime as well as without one; it waits for nothing but the start of that thread.
    ///
    /// # Errors
    /// [`Error::Bind`] when the port is taken or not allowed, [`Error::Route`] for a custom route that cannot be,
    /// [`Error::Start`] when the system gives no thread.
    pub fn start(self) -> Result<Handle, Error> {
        let routes = Routes::new(self.routes)?;
        let wanted = SocketAddr::new(self.address, self.port);
        let cannot_bind = |source| Error::Bind { address: wanted, source };
        let listener = TcpListener::bind(wanted).map_err(cannot_bind)?;
        let address = listener.local_addr().map_err(cannot_bind)?;
        listener.set_nonblocking(true).map_err(cannot_bind)?;
        let health = Arc::new(Shared::new(self.health));
        let limits = self.limits;
        let caller = tokio::runtime::Handle::try_current().ok();
        // Threads of the pool: every handler that may run, the two callbacks, and none that anything waits for.
        let threads = limits.handlers.saturating_add(2);
        let answers = {
            let health = Arc::clone(&health);
            move |own: tokio::runtime::Handle| Answers {
                health,
                status: Shared::new(self.status),
                routes,
                places: Places { own, caller, limit: limits.callback_time },
                handlers: Arc::new(Semaphore::new(limits.handlers)),
                limits,
            }
        };
        Handle::launch(listener, address, threads, health, answers)
    }
}

/// What a status callback gave, as the object it must be.
fn object(status: impl Serialize) -> Status {
    match serde_json::to_value(status) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(other) => Err(format!("the status callback must give an object, and gave {}", kind(&other))),
        Err(error) => Err(format!("what the status callback gave cannot be written as JSON: {error}")),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
