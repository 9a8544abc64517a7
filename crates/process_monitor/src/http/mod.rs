//! The API (SPEC 5.2): one router, whatever it is served on. Handlers translate; the engine decides.
//!
//! | file | what |
//! | --- | --- |
//! | `processes` | `/processes…` |
//! | `batch` | `/batch/…`: one command for many |
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
mod batch;
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
use axum::routing::{MethodFilter, on};
use error::ApiError;
use guard::Guard;
use utoipa::openapi::{HttpMethod, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::{PathItemExt, routes};

/// Every operation, once, in the order in which the description shows them; `$what` makes something of them.
macro_rules! operations {
    ($what:ident) => {
        $what! {
            processes::list,
            processes::register,
            processes::status,
            processes::change,
            processes::deregister,
            processes::start,
            processes::stop,
            processes::restart,
            processes::enable,
            processes::disable,
            processes::autostart,
            processes::signal,
            batch::start,
            batch::stop,
            batch::restart,
            logs::logs,
            events::events,
            settings::show,
            settings::change,
            config::remote_access,
            config::set_remote_access,
            config::trusted_hosts,
            config::set_trusted_hosts,
            config::whitelist,
            config::set_whitelist,
            config::blacklist,
            config::set_blacklist,
            config::standalone_mode,
            config::set_standalone_mode,
            config::partner_discovery,
            config::set_partner_discovery,
            tokens::list,
            tokens::create,
            tokens::revoke,
            monitor::status,
            monitor::stop,
            monitor::restart,
            openapi::openapi,
        }
    };
}

/// Serves operations at the paths and by the methods of their descriptions.
macro_rules! served {
    ($($module:ident :: $handler:ident),+ $(,)?) => {
        Router::new()$(.route(
            &routes!(@path [path()] of $module::$handler),
            on(methods(&routes!(@path [methods()] of $module::$handler)), $module::$handler),
        ))+
    };
}

/// Describes operations.
macro_rules! described {
    ($($module:ident :: $handler:ident),+ $(,)?) => {
        OpenApiRouter::<Handle>::with_openapi(openapi::frame())$(.routes(routes!($module::$handler)))+.into_openapi()
    };
}

/// The API over `handle`.
pub fn router(handle: Handle) -> Router {
    let guard = Guard::new(handle.clone());
    routes()
        .method_not_allowed_fallback(other_method)
        .fallback(|uri: Uri| async move { ApiError::no_such_path(&uri) })
        .layer(from_fn_with_state(handle.clone(), bounds::bounded))
        // Last, so that it comes first: no body is read of who may not send it.
        .layer(from_fn_with_state(guard, guard::guarded))
        .with_state(handle)
}

/// Every route. Describing them takes longer than all else that a start does, so that is not done here.
fn routes() -> Router<Handle> {
    operations!(served)
}

/// The description of every route.
fn description() -> OpenApi {
    operations!(described)
}

/// Of one operation.
fn methods(of: &[HttpMethod]) -> MethodFilter {
    let filters = of.iter().map(HttpMethod::to_method_filter);
    // No operation is without a method: then its handler would not compile.
    filters.reduce(MethodFilter::or).unwrap_or(MethodFilter::TRACE)
}

/// The router adds `Allow`, which is all that is wanted of OPTIONS (RFC 9110, section 9.3.7).
async fn other_method(method: Method, uri: Uri) -> Result<StatusCode, ApiError> {
    match method {
        Method::OPTIONS => Ok(StatusCode::NO_CONTENT),
        method => Err(ApiError::method_not_allowed(&method, &uri)),
    }
}
