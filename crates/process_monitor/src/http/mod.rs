//! The API (SPEC 5.2): one router, whatever it is served on. Handlers translate; the engine decides.
//!
//! | file | what |
//! | --- | --- |
//! | `processes` | `/processes…` |
//! | `monitor` | `/monitor…` |
//! | `config` | `/config/…` |
//! | `tokens` | `/config/tokens…` |
//! | `partner` | what the partner asks, on the control socket only |
//! | `events` | `/events` |
//! | `logs` | `/processes/{id}/logs` |
//! | `settings` | `/config` |
//! | `error` | an error's status, in one place |
//! | `bounds` | a request's body within bounds of size and time |
//! | `body`, `query` | reading a request's JSON, and its query |
//! | `waiting` | how long an answer is waited for |
//! | `aliveness` | the aliveness server's two paths |
//! | `conversation` | one connection, and its end |
//! | `listen` | serving over TCP, within bounds |
//! | `encryption` | TLS, on the same port |
//! | `gate` | how many connections may stand |
//! | `patient` | a stream that does not wait for ever for its reader |
//! | `guard/` | who may do what: every request passes it, and every route has its line in its table |
//! | `transport` | how a request reached us |
//! | `openapi` | `/openapi.json`, the API's description |
//!
//! A route is made of its handler's `#[utoipa::path]`, so that none can exist which the description lacks.

pub mod aliveness;
mod body;
mod bounds;
mod config;
mod conversation;
pub mod encryption;
mod error;
mod events;
pub mod gate;
mod guard;
pub mod listen;
mod logs;
mod monitor;
pub mod openapi;
pub mod partner;
mod patient;
mod processes;
mod query;
mod settings;
mod tokens;
pub mod transport;
mod waiting;

pub use logs::OutputDesk;

use crate::daemon::Handle;
use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use error::ApiError;
use guard::Guard;
use std::sync::OnceLock;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The API over `handle`.
pub fn router(handle: Handle) -> Router {
    // Making it describes everything, too, which takes milliseconds: once is enough for all that it is served on.
    static ROUTER: OnceLock<Router<Handle>> = OnceLock::new();
    let router = ROUTER.get_or_init(|| routes().split_for_parts().0).clone();
    let guard = Guard::new(handle.clone());
    router
        .method_not_allowed_fallback(other_method)
        .fallback(|uri: Uri| async move { ApiError::no_such_path(&uri) })
        .layer(from_fn_with_state(handle.clone(), bounds::bounded))
        // Last, so that it comes first: no body is read of who may not send it.
        .layer(from_fn_with_state(guard, guard::guarded))
        .with_state(handle)
}

/// Every route with its description, in the order in which that shows them.
fn routes() -> OpenApiRouter<Handle> {
    OpenApiRouter::with_openapi(openapi::frame())
        .routes(routes!(processes::list, processes::register))
        .routes(routes!(processes::status, processes::change, processes::deregister))
        .routes(routes!(processes::start))
        .routes(routes!(processes::stop))
        .routes(routes!(processes::restart))
        .routes(routes!(processes::enable))
        .routes(routes!(processes::disable))
        .routes(routes!(processes::autostart))
        .routes(routes!(processes::signal))
        .routes(routes!(logs::logs))
        .routes(routes!(events::events))
        .routes(routes!(settings::show, settings::change))
        .routes(routes!(config::remote_access, config::set_remote_access))
        .routes(routes!(config::trusted_hosts, config::set_trusted_hosts))
        .routes(routes!(config::whitelist, config::set_whitelist))
        .routes(routes!(config::blacklist, config::set_blacklist))
        .routes(routes!(config::standalone_mode, config::set_standalone_mode))
        .routes(routes!(config::partner_discovery, config::set_partner_discovery))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(monitor::status))
        .routes(routes!(monitor::stop))
        .routes(routes!(monitor::restart))
        .routes(routes!(openapi::openapi))
}

/// The router adds `Allow`, which is all that is wanted of OPTIONS (RFC 9110, section 9.3.7).
async fn other_method(method: Method, uri: Uri) -> Result<StatusCode, ApiError> {
    match method {
        Method::OPTIONS => Ok(StatusCode::NO_CONTENT),
        method => Err(ApiError::method_not_allowed(&method, &uri)),
    }
}
