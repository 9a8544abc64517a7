//! The aliveness server (SPEC 5.1): whether this monitor is there, and how it is. Read-only, and so open to
//! every origin; it tells nothing that a stranger should not know.

use super::error::ApiError;
use crate::daemon::Handle;
use axum::extract::State;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, HeaderValue};
use axum::http::{Method, Uri};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router, middleware};
use process_monitor_client::api::MonitorStatus;

/// `GET /alive` and `GET /status` over `handle`.
pub fn router(handle: Handle) -> Router {
    let refuse_method = |method: Method, uri: Uri| async move { ApiError::method_not_allowed(&method, &uri) };
    Router::new()
        .route("/alive", get(async || "OK"))
        .route("/status", get(status))
        .method_not_allowed_fallback(refuse_method)
        .fallback(|uri: Uri| async move { ApiError::no_such_path(&uri) })
        .layer(middleware::map_response(open_to_all))
        .with_state(handle)
}

async fn open_to_all(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn status(State(handle): State<Handle>) -> Json<MonitorStatus> {
    let status = handle.monitor_status();
    Json(MonitorStatus {
        version: None,
        directory: None,
        executable: None,
        logger_pid: None,
        aliveness_port: None,
        api_addresses: Vec::new(),
        api_fingerprint: None,
        api_trouble: Vec::new(),
        ..status
    })
}
