//! `/config/tokens…`

use super::body::JsonBody;
use super::error::ApiError;
use super::openapi::MONITOR;
use crate::daemon::Handle;
use axum::Json;
use axum::extract::{Path, State};
use process_monitor_client::api::{Accepted, ErrorBody, TokenCreated, TokenInfo, TokenList, TokenRequest};
use process_monitor_core::registry::Registry;
use process_monitor_host::{clock, random};

/// Every token, without what would be needed to use it
#[utoipa::path(
    get, path = "/config/tokens", tag = MONITOR, operation_id = "listTokens",
    responses((status = 200, body = TokenList))
)]
pub async fn list(State(handle): State<Handle>) -> Json<TokenList> {
    let tokens = handle.settings().remote_access.tokens.iter().map(TokenInfo::from).collect();
    Json(TokenList { tokens })
}

/// Make a token
///
/// The answer shows it, this once: the monitor keeps no more than its hash.
#[utoipa::path(
    post, path = "/config/tokens", tag = MONITOR, operation_id = "createToken",
    request_body(content = TokenRequest, example = json!({"name": "dashboard", "scope": "read"})),
    responses((status = 200, body = TokenCreated))
)]
pub async fn create(
    State(handle): State<Handle>,
    JsonBody(request): JsonBody<TokenRequest>,
) -> Result<Json<TokenCreated>, ApiError> {
    let bits = random::secret_bits().map_err(|why| ApiError::no_randomness(&why))?;
    let (created, token) = request.made_of(bits, clock::wall());
    let add = move |registry: &mut Registry| {
        registry.remote_access.tokens.push(token);
        Ok(())
    };
    handle.configure(Box::new(add)).await?;
    Ok(Json(created))
}

/// Revoke a token
///
/// It counts no more from then on; what its holder has begun is finished.
#[utoipa::path(
    delete, path = "/config/tokens/{id}", tag = MONITOR, operation_id = "revokeToken",
    params(("id" = String, Path, description = "As `GET /config/tokens` lists it")),
    responses(
        (status = 200, body = Accepted),
        (status = 404, body = ErrorBody, description = "There is no such token"),
    )
)]
pub async fn revoke(
    State(handle): State<Handle>,
    Path(id): Path<String>,
) -> Result<Json<Accepted>, ApiError> {
    if !handle.settings().remote_access.tokens.iter().any(|token| token.id == id) {
        return Err(ApiError::no_such_token(&id));
    }
    let remove = move |registry: &mut Registry| {
        registry.remote_access.tokens.retain(|token| token.id != id);
        Ok(())
    };
    handle.configure(Box::new(remove)).await?;
    Ok(Json(Accepted::new()))
}
