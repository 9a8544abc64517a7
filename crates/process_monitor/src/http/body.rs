//! Reading a request's JSON: type, syntax, then every value at once, each with an answer of its own.

use super::error::ApiError;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use process_monitor_core::model::EntryPatch;
use process_monitor_core::reading::{self, Document};

/// The request's body, read as JSON.
pub struct JsonBody<T>(pub T);

impl<T: Document, S: Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request<Body>, _state: &S) -> Result<Self, ApiError> {
        Ok(Self(reading::read(&json(request, &["application/json"]).await?)?))
    }
}

/// The request's body, read as a change of a process (RFC 7396).
pub struct PatchBody(pub EntryPatch);

impl<S: Sync> FromRequest<S> for PatchBody {
    type Rejection = ApiError;

    async fn from_request(request: Request<Body>, _state: &S) -> Result<Self, ApiError> {
        let text = json(request, &["application/json", "application/merge-patch+json"]).await?;
        Ok(Self(EntryPatch(reading::patch(&text)?)))
    }
}

/// The bytes of a body that says to be of one of these `kinds`.
async fn json(request: Request<Body>, kinds: &[&str]) -> Result<Bytes, ApiError> {
    refuse_kind(request.headers(), kinds)?;
    // Taken in whole already, within bounds, by `bounds`.
    let whole = to_bytes(request.into_body(), usize::MAX).await;
    whole.map_err(|error| ApiError::malformed(format!("the body did not arrive whole: {error}")))
}

/// A web page may send other kinds to any host without asking; so the kind is what keeps it out.
fn refuse_kind(headers: &HeaderMap, kinds: &[&str]) -> Result<(), ApiError> {
    let mut found = headers.get_all(CONTENT_TYPE).iter();
    let (first, second) = (found.next(), found.next());
    let text = first.and_then(|value| value.to_str().ok());
    match text {
        Some(text) if second.is_none() && is_one_of(text, kinds) => Ok(()),
        Some(text) => Err(ApiError::not_json(text, kinds)),
        None => Err(ApiError::not_json("nothing", kinds)),
    }
}

/// Whether `content_type` is one of `kinds`, in UTF-8 if it says anything of that (RFC 8259, section 8.1).
fn is_one_of(content_type: &str, kinds: &[&str]) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let utf8 = |parameter: &str| {
        parameter.split_once('=').is_some_and(|(name, value)| {
            name.trim_end().eq_ignore_ascii_case("charset")
                && value.trim_start().trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    };
    kinds.iter().any(|kind| essence.eq_ignore_ascii_case(kind)) && parts.all(|p| p.is_empty() || utf8(p))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_known_by_its_type_and_in_utf8_only() {
        let table = [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/json;charset=\"utf-8\"", true),
            ("application/json;", true),
            ("application/json; charset=latin1", false),
            ("application/json; boundary=x", false),
            ("application/jsonp", false),
            ("application/merge-patch+json", false),
            ("text/plain", false),
            ("text/plain; application/json", false),
            ("", false),
        ];
        for (kind, expected) in table {
            assert_eq!(is_one_of(kind, &["application/json"]), expected, "{kind}");
        }
    }
}
