//! Every change is written to the monitor's log with who, what and outcome; so is what was refused, but not so often
//! that somebody could fill the disk with it.

use super::super::error::ApiError;
use super::Refused;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use process_monitor_core::access::rate::{Limiter, PeerKey};
use process_monitor_core::access::{Caller, Operation};
use process_monitor_core::model::RateLimit;
use process_monitor_host::clock::Clock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Refusals that are written down: as many at once, then one every ten seconds.
const WRITTEN: (f64, u32) = (0.1, 20);

/// Who asks, in the extensions of each request that was let through; handlers take it as an argument.
#[derive(Debug, Clone)]
pub struct Asking {
    /// Who.
    pub caller: Caller,
    /// Whether it came by the control socket.
    pub by_control: bool,
    subject: Arc<OnceLock<String>>,
}

impl Asking {
    /// `caller` asks.
    pub fn new(caller: Caller, by_control: bool) -> Self {
        Self { caller, by_control, subject: Arc::default() }
    }

    /// What the change is about, where the path does not say it.
    pub fn about(&self, subject: impl Into<String>) {
        // Said twice, the first counts.
        let _first = self.subject.set(subject.into());
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asking {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let asking = parts.extensions.get::<Self>().cloned();
        asking.ok_or_else(|| ApiError::forbidden("it is not known who asks"))
    }
}

/// Writes down.
pub struct Audit {
    clock: Clock,
    written: Mutex<Limiter>,
    left_out: AtomicU64,
}

impl Default for Audit {
    fn default() -> Self {
        let (requests_per_second, burst) = WRITTEN;
        let limit = RateLimit { requests_per_second, burst, ..RateLimit::default() };
        let (clock, written) = (Clock::default(), Mutex::new(Limiter::new(&limit)));
        Self { clock, written, left_out: AtomicU64::new(0) }
    }
}

impl Audit {
    /// What came of a change. Nothing is said of what only reads.
    pub fn answered(&self, asking: &Asking, operation: Option<Operation>, response: &Response) {
        let Some(operation) = operation.filter(|operation| !operation.only_reads()) else { return };
        let (caller, status) = (&asking.caller, response.status());
        let subject = asking.subject.get().map(|subject| format!(" {subject}")).unwrap_or_default();
        if status.is_success() {
            tracing::info!(target: "audit", "{caller}: {operation}{subject}: done");
        } else {
            tracing::info!(target: "audit", "{caller}: {operation}{subject}: failed with {}", status.as_u16());
        }
    }

    /// The answer to a request that was refused.
    pub fn refused(&self, who: &str, what: &str, refused: Refused) -> Response {
        if let Some(why) = refused.why() {
            self.write_down(who, what, &why);
        }
        refused.into_response()
    }

    fn write_down(&self, who: &str, what: &str, why: &str) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        // One bucket for all: who has many addresses has no more lines.
        if written.take(PeerKey::User(0), self.clock.mono()).is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        match self.left_out.swap(0, Ordering::Relaxed) {
            0 => tracing::warn!(target: "audit", "{who}: {what}: refused: {why}"),
            more => {
                tracing::warn!(target: "audit", "{who}: {what}: refused: {why} ({more} more were refused before)")
            }
        }
    }
}
