//! `/config`: every setting at once, by the names that they have in the registry.

use super::body::PatchBody;
use super::error::ApiError;
use super::openapi::MONITOR;
use super::transport::Transport;
use crate::daemon::{ConfigureError, Handle};
use axum::extract::State;
use axum::{Extension, Json};
use process_monitor_client::api::Accepted;
use process_monitor_core::listening::aftermath;
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
    request_body(
        content((ShownSettings = "application/json"), (ShownSettings = "application/merge-patch+json")),
        example = json!({ "remoteAccess": { "trustedHosts": ["localhost", "192.168.1.*"] } }),
    ),
    responses((status = 200, body = Accepted))
)]
pub async fn change(
    State(handle): State<Handle>,
    Extension(transport): Extension<Transport>,
    PatchBody(EntryPatch(change)): PatchBody,
) -> Result<Json<Accepted>, ApiError> {
    let message = apply(&handle, transport, change).await?;
    Ok(Json(Accepted { message, ..Accepted::new() }))
}

/// Changes settings for who asked by `transport`; returns what it means for him, if that is not plain.
///
/// # Errors
/// What is wrong with the change, and with what would come of it; then nothing is changed.
pub(super) async fn apply(
    handle: &Handle,
    transport: Transport,
    change: Map<String, Value>,
) -> Result<Option<String>, ConfigureError> {
    let before = handle.settings();
    let apply = move |registry: &mut Registry| {
        // Of what others have changed meanwhile, too.
        let settings = registry.reconfigured(&change)?;
        registry.adopt_settings(settings);
        Ok(())
    };
    handle.configure(Box::new(apply)).await?;
    Ok(match transport {
        Transport::Control => None,
        Transport::Tcp { peer, tls, .. } => aftermath(peer.ip(), tls, &before, &handle.settings()),
    })
}
