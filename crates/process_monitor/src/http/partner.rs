//! What the partner asks: on the control socket only, which nobody else can reach.

use super::error::ApiError;
use crate::daemon::Handle;
use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use process_monitor_client::api::MonitorStatus;
use process_monitor_core::id::InstanceId;

/// `POST /monitor/partner/{instance}` over `handle`: the monitor of that instance makes itself known, and asks how this
/// one is.
pub fn router(handle: Handle) -> Router {
    Router::new().route("/monitor/partner/{instance}", post(greet)).with_state(handle)
}

async fn greet(
    State(handle): State<Handle>,
    Path(instance): Path<InstanceId>,
) -> Result<Json<MonitorStatus>, ApiError> {
    handle.greeted(instance).await?;
    Ok(Json(handle.monitor_status()))
}
