//! `/monitor…`

use super::error::ApiError;
use super::openapi::MONITOR;
use crate::daemon::Handle;
use axum::Json;
use axum::extract::State;
use process_monitor_client::api::{Accepted, ErrorBody, MonitorStatus};

/// The monitor itself
#[utoipa::path(
    get, path = "/monitor/status", tag = MONITOR, operation_id = "getMonitorStatus",
    responses((status = 200, body = MonitorStatus))
)]
pub async fn status(State(handle): State<Handle>) -> Json<MonitorStatus> {
    Json(handle.monitor_status())
}

/// Stop every process, then the monitor
///
/// Answers at once. Every process is stopped gracefully, all of them side by side.
#[utoipa::path(
    post, path = "/monitor/stop", tag = MONITOR, operation_id = "stopMonitor",
    responses((status = 200, body = Accepted))
)]
pub async fn stop(State(handle): State<Handle>) -> Json<Accepted> {
    handle.shut_down();
    Json(Accepted::message("stopping"))
}

/// Replace the monitor by a fresh one
///
/// The program's file is first started beside the monitor and has to say that it could go on. Then it does, in the same
/// process: the processes go on under the same pids, who connects waits, and streams go on after `Last-Event-ID`.
#[utoipa::path(
    post, path = "/monitor/restart", tag = MONITOR, operation_id = "restartMonitor",
    responses(
        (status = 200, body = Accepted),
        (status = 409, body = ErrorBody, description = "The program that was to follow cannot go on from here; this monitor does"),
    )
)]
pub async fn restart(State(handle): State<Handle>) -> Result<Json<Accepted>, ApiError> {
    handle.restart().await?;
    Ok(Json(Accepted::message("restarting; the processes go on")))
}
