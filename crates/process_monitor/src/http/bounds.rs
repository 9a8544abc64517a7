//! The body of a request, within bounds of size and time. It is taken in whole before anybody looks at it: all
//! that the API reads is small, and so no handler can forget a bound.

use super::error::ApiError;
use super::guard::Asking;
use crate::daemon::Handle;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::time::Duration;
use tokio::time::timeout;

/// How long the whole body of a request may take.
const BODY_WITHIN: Duration = Duration::from_secs(20);

/// The longest body of who is not trusted, in bytes: many connections at once shall not fill the memory. No request
/// that such a peer has to make comes near it.
const MOST_OF_STRANGERS: usize = 64 << 10;

/// A middleware: 413 for a body that is larger than `maxBodyBytes`, or [`MOST_OF_STRANGERS`], before any of it is read
/// where its length is told; 408 for one that takes too long.
pub async fn bounded(State(handle): State<Handle>, request: Request, next: Next) -> Response {
    let most = usize::try_from(handle.settings().remote_access.max_body_bytes).unwrap_or(usize::MAX);
    let asking = request.extensions().get::<Asking>();
    let is_trusted = asking.is_some_and(|asking| asking.caller.standing.is_trusted());
    let most = if is_trusted { most } else { most.min(MOST_OF_STRANGERS) };
    let (parts, body) = request.into_parts();
    match take_in(body, most).await {
        Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(error) => {
            let mut response = error.into_response();
            // What is still to come would be read as the next request.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            response
        }
    }
}

async fn take_in(body: Body, most: usize) -> Result<Bytes, ApiError> {
    if body.size_hint().lower() > most as u64 {
        return Err(ApiError::too_large(most));
    }
    let whole = timeout(BODY_WITHIN, Limited::new(body, most).collect()).await;
    let whole = whole.map_err(|_| ApiError::too_slow(BODY_WITHIN))?;
    whole.map(http_body_util::Collected::to_bytes).map_err(|error| {
        match error.downcast::<LengthLimitError>() {
            Ok(_) => ApiError::too_large(most),
            Err(error) => ApiError::malformed(format!("the body did not arrive whole: {error}")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use std::convert::Infallible;

    fn chunks(every: Duration) -> Body {
        let next = move |()| async move {
            tokio::time::sleep(every).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b"x")), ()))
        };
        Body::from_stream(stream::unfold((), next))
    }

    #[tokio::test(start_paused = true)]
    async fn endless_bodies_end() {
        let code = |error: ApiError| error.into_response().status().as_u16();
        assert_eq!(take_in(Body::from("abc"), 3).await.unwrap(), "abc");
        assert_eq!(code(take_in(Body::from("abcd"), 3).await.unwrap_err()), 413);
        let fast = chunks(Duration::from_millis(1));
        assert_eq!(code(take_in(fast, 1000).await.unwrap_err()), 413);
        let slow = chunks(Duration::from_secs(1));
        assert_eq!(code(take_in(slow, 1000).await.unwrap_err()), 408);
    }
}
