//! Reading a request's JSON: size, type, syntax, then values, each with an answer of its own.

use super::error::ApiError;
use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use process_monitor_client::api::Problem;
use serde::de::DeserializeOwned;

/// Largest body that is read (SPEC 3.2 `maxBodyBytes`, default).
const MAX_BODY_BYTES: usize = 1 << 20;

/// The request's body, read as JSON.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request<Body>, _state: &S) -> Result<Self, ApiError> {
        let kind =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("nothing");
        if !is_json(kind) {
            return Err(ApiError::not_json(kind));
        }
        let body = request.into_body();
        // What a client says of the length is enough to refuse it: who waits for it waits for nothing.
        if body.size_hint().lower() > MAX_BODY_BYTES as u64 {
            return Err(ApiError::too_large(MAX_BODY_BYTES));
        }
        let bytes = to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| ApiError::too_large(MAX_BODY_BYTES))?;
        parse(&bytes).map(Self)
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            let path = if path == "." { String::new() } else { path };
            ApiError::invalid(vec![Problem { path, message: inner.to_string() }])
        } else {
            ApiError::malformed(format!("the body is not JSON: {inner}"))
        }
    })?;
    reader.end().map_err(|error| ApiError::malformed(format!("the body is not JSON: {error}")))?;
    Ok(value)
}
