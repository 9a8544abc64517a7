//! The API (SPEC 5.2): one router, whatever it is served on. Handlers translate; the engine decides.
//!
//! | file | what |
//! | --- | --- |
//! | `processes` | `/processes…` |
//! | `monitor` | `/monitor…` |
//! | `events` | `/events` |
//! | `error` | an error's status, in one place |
//! | `bounds` | a request's body within bounds of size and time |
//! | `body` | reading a request's JSON |
//! | `aliveness` | the aliveness server's two paths |
//! | `listen` | serving over TCP, within bounds |
//! | `gate` | how many connections may stand |
//! | `patient` | a stream that does not wait for ever for its reader |
//! | `own_user` | who may use the API over TCP |
//! | `transport` | how a request reached us |

pub mod aliveness;
mod body;
mod bounds;
mod error;
mod events;
pub mod gate;
pub mod listen;
mod monitor;
pub mod own_user;
mod patient;
mod processes;
pub mod transport;

use crate::daemon::Handle;
use axum::Router;
use axum::http::{Method, Uri};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};
use error::ApiError;

/// The API over `handle`.
pub fn router(handle: Handle) -> Router {
    let refuse_method = |method: Method, uri: Uri| async move { ApiError::method_not_allowed(&method, &uri) };
    Router::new()
        .route("/processes", get(processes::list).post(processes::register))
        .route("/processes/{id}", get(processes::status).delete(processes::deregister))
        .route("/processes/{id}/start", post(processes::start))
        .route("/processes/{id}/stop", post(processes::stop))
        .route("/processes/{id}/restart", post(processes::restart))
        .route("/processes/{id}/enable", post(processes::enable))
        .route("/processes/{id}/disable", post(processes::disable))
        .route("/processes/{id}/autostart", put(processes::autostart))
        .route("/processes/{id}/signal", post(processes::signal))
        .route("/events", get(events::events))
        .route("/monitor/status", get(monitor::status))
        .route("/monitor/stop", post(monitor::stop))
        .route("/monitor/restart", post(monitor::restart))
        .method_not_allowed_fallback(refuse_method)
        .fallback(|uri: Uri| async move { ApiError::no_such_path(&uri) })
        .layer(from_fn_with_state(handle.clone(), bounds::bounded))
        .with_state(handle)
}
