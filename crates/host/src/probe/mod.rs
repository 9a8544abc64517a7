//! Asking programs whether they are well (SPEC 4.3): over HTTP, by a TCP connection, or by a program.
//!
//! | module | |
//! | --- | --- |
//! | `http` | GET, over one client whose connections are used again |
//! | `tls` | certificates, verified or not |
//! | `resolve` | names, each looked up once at a time |
//! | `exec` | a program that is killed with its tree when it takes too long |
//! | `error` | why a check failed, in words |
//!
//! Everything happens on one thread with a runtime of its own, so that neither supervising nor serving
//! waits for it. A probe ends with its timeout, whatever it hangs in, and delays no other: only looking up
//! names needs further threads, of which there are few.

mod error;
mod exec;
mod http;
mod resolve;
mod tls;

pub use error::ProbeError;
pub use exec::{ExecTarget, Vetting};

use crate::process::tree::Reaper;
use std::future;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// Threads for what blocks: looking up names, and killing the trees of checks that hang.
const BLOCKING: usize = 32;

/// What is asked.
#[derive(Debug, Clone)]
pub enum Target {
    /// GET a URL.
    Http {
        /// `http://…` or `https://…`
        url: String,
        /// Status codes that mean healthy, whatever the body; see [`process_monitor_core::health::judge`].
        success_codes: Option<Vec<u16>>,
        /// Whether the certificate must be valid.
        verify_tls: bool,
    },
    /// Open a connection, and close it.
    Tcp {
        /// `host:port`
        address: String,
    },
    /// Run a program; code 0 means healthy.
    Exec(ExecTarget),
}

/// A check.
#[derive(Debug, Clone)]
pub struct ProbeRequest {
    /// What is asked.
    pub target: Target,
    /// How long it may take in all.
    pub timeout: Duration,
}

/// Asks. Its thread ends when this is dropped; what is unanswered then is answered with
/// [`ProbeError::Stopped`].
pub struct Prober {
    runtime: Handle,
    asker: Arc<Asker>,
    _until_dropped: oneshot::Sender<()>,
}

struct Asker {
    http: http::HttpClients,
    resolver: resolve::Resolver,
    reaper: Arc<Reaper>,
}

impl Prober {
    /// Starts the thread. `reaper` is the monitor's: to it fall the orphans of programs that check.
    ///
    /// # Errors
    /// When the system refuses a thread or descriptors.
    pub fn start(reaper: Arc<Reaper>) -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING)
            .thread_name("probes-blocking")
            .build()?;
        let (until_dropped, dropped) = oneshot::channel::<()>();
        let handle = runtime.handle().clone();
        thread::Builder::new().name("probes".into()).spawn(move || {
            // An error is the sender's end, which is what is waited for.
            let _ended = runtime.block_on(dropped);
            // Lookups that hang in the system must not keep us.
            runtime.shutdown_background();
        })?;
        let resolver = resolve::Resolver::default();
        let asker = Arc::new(Asker { http: http::HttpClients::new(resolver.clone()), resolver, reaper });
        Ok(Self { runtime: handle, asker, _until_dropped: until_dropped })
    }

    /// Begins a check and returns at once. `answer` is called exactly once, within the timeout.
    pub fn probe(&self, request: ProbeRequest, answer: impl FnOnce(Result<(), ProbeError>) + Send + 'static) {
        let asker = Arc::clone(&self.asker);
        let answer = Answer(Some(Box::new(answer)));
        self.runtime.spawn(async move { answer.give(asker.ask(request).await) });
    }

    /// Asks `url` for a JSON `pid`. As [`Prober::probe`].
    pub fn ask_pid(
        &self,
        url: String,
        verify_tls: bool,
        timeout: Duration,
        answer: impl FnOnce(Result<u32, ProbeError>) + Send + 'static,
    ) {
        let asker = Arc::clone(&self.asker);
        let answer = Answer(Some(Box::new(answer)));
        self.runtime.spawn(async move {
            let asking = asker.http.pid(&url, verify_tls);
            let found = tokio::time::timeout(timeout, asking).await;
            answer.give(found.unwrap_or(Err(ProbeError::TimedOut(timeout))));
        });
    }
}

impl Asker {
    async fn ask(&self, ProbeRequest { target, timeout }: ProbeRequest) -> Result<(), ProbeError> {
        let asking = async {
            match &target {
                Target::Http { url, success_codes, verify_tls } => {
                    self.http.check(url, success_codes.as_deref(), *verify_tls).await
                }
                Target::Tcp { address } => self.connect(address).await,
                // It keeps the time itself, because its end is more than to stop waiting.
                Target::Exec(_) => future::pending().await,
            }
        };
        match &target {
            Target::Exec(program) => exec::check(program, timeout, &self.reaper).await,
            _ => tokio::time::timeout(timeout, asking).await.unwrap_or(Err(ProbeError::TimedOut(timeout))),
        }
    }

    async fn connect(&self, address: &str) -> Result<(), ProbeError> {
        let (host, port) = address.rsplit_once(':').ok_or_else(|| ProbeError::Target(address.to_owned()))?;
        let port: u16 = port.parse().map_err(|_| ProbeError::Target(address.to_owned()))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let mut failed = None;
        for ip in self.resolver.lookup(host).await.map_err(ProbeError::Name)? {
            match TcpStream::connect((ip, port)).await {
                Ok(_connected) => return Ok(()),
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.map_or_else(
            || ProbeError::Name(format!("{host:?} has no address")),
            |error| ProbeError::io(&error),
        ))
    }
}

type Callback<T> = Box<dyn FnOnce(Result<T, ProbeError>) + Send>;

/// Gives its answer exactly once, also when the one who should is dropped.
struct Answer<T>(Option<Callback<T>>);

impl<T> Answer<T> {
    fn give(mut self, result: Result<T, ProbeError>) {
        if let Some(callback) = self.0.take() {
            callback(result);
        }
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        if let Some(callback) = self.0.take() {
            callback(Err(ProbeError::Stopped));
        }
    }
}
