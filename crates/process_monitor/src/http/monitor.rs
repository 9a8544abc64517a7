//! `/monitor…`

use super::error::ApiError;
use crate::daemon::Handle;
use axum::Json;
use axum::extract::State;
use process_monitor_client::api::{Accepted, MonitorStatus};

pub async fn status(State(handle): State<Handle>) -> Json<MonitorStatus> {
    Json(handle.monitor_status())
}

/// Stops every process, then the monitor; answers at once.
pub async fn stop(State(handle): State<Handle>) -> Json<Accepted> {
    handle.shut_down();
    Json(Accepted::message("stopping"))
}

/// Replaces the monitor by a fresh one; the processes go on.
pub async fn restart(State(handle): State<Handle>) -> Result<Json<Accepted>, ApiError> {
    handle.restart().await?;
    Ok(Json(Accepted::message("restarting; the processes go on")))
}
