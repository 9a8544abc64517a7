//! `/config`: every setting at once, by the names that they have in the registry.

use super::body::PatchBody;
use super::error::ApiError;
use super::openapi::MONITOR;
use crate::daemon::Handle;
use axum::Json;
use axum::extract::State;
use process_monitor_client::api::Accepted;
use process_monitor_core::model::EntryPatch;
use process_monitor_core::registry::{Registry, ShownSettings};
use serde_json::{Map, Value};

/// Every setting
///
/// By the names that they have in the registry, and without tokens. `null` where there is nothing.
#[utoipa::path(
    get, path = "/config", tag = MONITOR, operation_id = "getSettings",
    responses((status = 200, body = ShownSettings))
)]
pub async fn show(State(handle): State<Handle>) -> Json<Map<String, Value>> {
    Json(handle.settings().shown_settings())
}

/// Change settings
///
/// A JSON merge patch (RFC 7396) of what `GET /config` answers: what is not named stays, `null` brings a default back. All
/// of it is done, or nothing; in effect at once.
#[utoipa::path(
    patch, path = "/config", tag = MONITOR, operation_id = "changeSettings",
    request_body(content((ShownSettings = "application/json"), (ShownSettings = "application/merge-patch+json")), example = json!({ "monitorIntervalMs": 5000 })),
    responses((status = 200, body = Accepted))
)]
pub async fn change(
    State(handle): State<Handle>,
    PatchBody(EntryPatch(change)): PatchBody,
) -> Result<Json<Accepted>, ApiError> {
    let apply = move |registry: &mut Registry| {
        let settings = registry.reconfigured(&change)?;
        registry.adopt_settings(settings);
        Ok(())
    };
    handle.configure(Box::new(apply)).await?;
    Ok(Json(Accepted::new()))
}
