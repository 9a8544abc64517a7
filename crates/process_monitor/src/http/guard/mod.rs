//! Who may do what: every request passes here before anything else sees it.
//!
//! | file | what |
//! | --- | --- |
//! | `table` | which operation each route is; what has no line there does not exist |
//! | `who` | who is asking: transport, proxies, names, token |
//! | `page` | `Host`, `Origin`, content type, CORS |
//! | `limits` | how much one peer may ask, and how often it may show a bad token |
//! | `admission` | what a peer may register or change that is not trusted |
//! | `audit` | every change is written down, and what was refused |
//! | `refused` | the answers of those who may not |
//!
//! The rules themselves are pure and stand in `core::access`; here the request is translated for them.

mod admission;
mod audit;
mod limits;
mod page;
mod refused;
mod table;
#[cfg(test)]
mod tests;
mod who;

pub use audit::Asking;

use super::error::ApiError;
use super::transport::Transport;
use crate::daemon::Handle;
use audit::Audit;
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use limits::Limits;
use page::Cors;
use process_monitor_core::access::{Caller, Operation, Standing};
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::RemoteAccess;
use process_monitor_host::peer::names::{Names, own_names};
use refused::Refused;
use std::sync::Arc;

/// What the guard knows and remembers. Clones share it.
#[derive(Clone)]
pub struct Guard(Arc<Memory>);

struct Memory {
    handle: Handle,
    limits: Limits,
    names: Names,
    own_names: Vec<String>,
    audit: Audit,
}

/// A request that was let through.
struct Admitted {
    parts: Parts,
    asking: Asking,
    /// `None`: its path is none of ours.
    operation: Option<Operation>,
}

impl Guard {
    /// Guards what `handle` reaches.
    pub fn new(handle: Handle) -> Self {
        let (limits, names, audit) = (Limits::default(), Names::default(), Audit::default());
        Self(Arc::new(Memory { handle, limits, names, own_names: own_names(), audit }))
    }
}

/// A middleware: lets through who may ask what he asks, and writes down what came of it.
pub async fn guarded(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let settings = guard.0.handle.settings();
    let (parts, body) = request.into_parts();
    let cors = Cors::of(&parts, &settings.remote_access);
    let mut response = match guard.admit(parts, &settings.remote_access, &cors).await {
        Err(answer) => answer,
        Ok(Admitted { parts, asking, operation }) => {
            let response = next.run(Request::from_parts(parts, body)).await;
            guard.0.audit.answered(&asking, operation, &response);
            response
        }
    };
    cors.tell(&mut response);
    response
}

impl Guard {
    /// Lets a request through, or answers it.
    async fn admit(
        &self,
        mut request: Parts,
        access: &RemoteAccess,
        cors: &Cors,
    ) -> Result<Admitted, Response> {
        let what = format!("{} {}", request.method, request.uri.path());
        let caller = match self.caller(&request, access).await {
            Ok(caller) => caller,
            Err(refused) => return Err(self.0.audit.refused(&refused.who.clone(), &what, refused)),
        };
        if let Some(answer) = cors.preflight(&request) {
            return Err(answer);
        }
        let (operation, id) = match self.permit(&mut request, &caller, access).await {
            Ok(permitted) => permitted,
            Err(refused) => return Err(self.0.audit.refused(&caller.to_string(), &what, refused)),
        };
        let asking = Asking::new(caller, request.extensions.get() == Some(&Transport::Control));
        if let Some(id) = id {
            asking.about(id.as_str());
        }
        request.extensions.insert(asking.clone());
        Ok(Admitted { parts: request, asking, operation })
    }

    /// Who asks, if he may ask anything at all.
    async fn caller(&self, request: &Parts, access: &RemoteAccess) -> Result<Caller, Refused> {
        let peer = who::peer(request, access).ok_or_else(Refused::unknown_transport)?;
        let key = who::key(&peer);
        let about = |refused: Refused| refused.of(&peer);
        if let Some(key) = key {
            self.0.limits.request(key, access).map_err(|many| about(many.into()))?;
            self.check_host(request, access).await.map_err(about)?;
        }
        self.identify(request, peer.clone(), key, access).await.map_err(about)
    }

    /// The operation that is asked for, and of which process, if `caller` may do it; no operation when the path is
    /// none of ours.
    async fn permit(
        &self,
        request: &mut Parts,
        caller: &Caller,
        access: &RemoteAccess,
    ) -> Result<(Option<Operation>, Option<ProcessId>), Refused> {
        let Some(path) = request.extensions.get::<MatchedPath>().cloned() else { return Ok((None, None)) };
        let operation = match table::operation(path.as_str(), &request.method) {
            Ok(operation) => operation,
            Err(allow) if request.method == Method::OPTIONS => return Err(Refused::options(&allow)),
            Err(allow) => return Err(Refused::method(&request.method, &request.uri, &allow)),
        };
        if !operation.only_reads() && request.extensions.get() != Some(&Transport::Control) {
            page::may_change(request, access)?;
        }
        let id = if table::is_about_process(path.as_str()) { target(request).await? } else { None };
        let view = id.as_ref().and_then(|id| self.0.handle.view(id));
        let entry = view.as_ref().map(|view| &*view.entry);
        // Between this look and the command somebody could register a process of that name.
        if let (Some(id), None, Standing::Other(_)) = (&id, entry, &caller.standing) {
            caller.may(operation, None, access)?;
            return Err(ApiError::no_such_process(id).into());
        }
        caller.may(operation, entry, access)?;
        Ok((Some(operation), id))
    }
}

/// The process that the path names, read as the handler reads it.
async fn target(request: &mut Parts) -> Result<Option<ProcessId>, Refused> {
    let params = RawPathParams::from_request_parts(request, &()).await;
    let params = params.map_err(|rejection| ApiError::malformed(rejection.body_text()))?;
    let id = params.iter().find(|(name, _)| *name == "id").map(|(_, text)| ProcessId::new(text));
    Ok(id.transpose().map_err(|why| ApiError::bad_id(&why))?)
}
