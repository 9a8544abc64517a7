//! The answers of those who may not.

use super::super::error::ApiError;
use axum::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use process_monitor_core::access::browser::Foreign;
use process_monitor_core::access::rate::TooMany;
use process_monitor_core::access::{BadToken, Denial, Peer};

/// Why a request goes no further.
pub struct Refused {
    /// Who asked, for the log.
    pub who: String,
    /// `None`: nothing is wrong, there is just nothing to do.
    error: Option<Box<ApiError>>,
    header: Option<Box<(HeaderName, String)>>,
}

impl Refused {
    fn with(error: impl Into<ApiError>, name: HeaderName, value: impl Into<String>) -> Self {
        Self {
            who: String::new(),
            error: Some(Box::new(error.into())),
            header: Some(Box::new((name, value.into()))),
        }
    }

    /// The same, by `peer`.
    pub fn of(self, peer: &Peer) -> Self {
        Self { who: peer.to_string(), ..self }
    }

    /// Nobody said how the request came.
    pub fn unknown_transport() -> Self {
        ApiError::forbidden("it is not known where this request came from").into()
    }

    /// The route is there, but not for this method.
    pub fn method(method: &Method, uri: &Uri, allow: &str) -> Self {
        Self::with(ApiError::method_not_allowed(method, uri), ALLOW, allow)
    }

    /// `Allow` is all that is wanted of OPTIONS (RFC 9110, section 9.3.7).
    pub fn options(allow: &str) -> Self {
        Self { who: String::new(), error: None, header: Some(Box::new((ALLOW, allow.to_owned()))) }
    }

    /// Why, in words, if that is somebody's fault who asked for more than he may.
    pub fn why(&self) -> Option<String> {
        self.error.as_ref().filter(|error| error.is_denial()).map(|error| error.words())
    }
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self { who: String::new(), error: Some(Box::new(error)), header: None }
    }
}

impl From<Denial> for Refused {
    fn from(denial: Denial) -> Self {
        ApiError::forbidden(denial.to_string()).into()
    }
}

impl From<Foreign> for Refused {
    fn from(foreign: Foreign) -> Self {
        ApiError::forbidden(foreign.to_string()).into()
    }
}

impl From<BadToken> for Refused {
    fn from(bad: BadToken) -> Self {
        // RFC 6750, section 3.
        let challenge = match bad {
            BadToken::Malformed => r#"Bearer error="invalid_request""#,
            BadToken::Unknown | BadToken::Expired => r#"Bearer error="invalid_token""#,
        };
        Self::with(ApiError::unauthorized(bad.to_string()), WWW_AUTHENTICATE, challenge)
    }
}

impl From<TooMany> for Refused {
    fn from(many: TooMany) -> Self {
        Self::with(ApiError::rate_limited(many.to_string()), RETRY_AFTER, many.seconds().to_string())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = match self.error {
            Some(error) => error.into_response(),
            None => StatusCode::NO_CONTENT.into_response(),
        };
        if let Some((name, value)) = self.header.map(|header| *header)
            && let Ok(value) = HeaderValue::from_str(&value)
        {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
