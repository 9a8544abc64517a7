//! Lets in nobody but the monitor's own user on this machine, by a program of his own.

use super::error::ApiError;
use super::transport::{LocalUser, Transport};
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{FORWARDED, HOST, ORIGIN};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use process_monitor_host::peer::own_user;
use std::net::{IpAddr, SocketAddr};

/// A middleware: 403 for everybody else.
pub async fn only(request: Request, next: Next) -> Response {
    match refusal(&request) {
        None => next.run(request).await,
        Some(why) => ApiError::forbidden(why).into_response(),
    }
}

fn refusal(request: &Request) -> Option<&'static str> {
    let user = request.extensions().get::<LocalUser>().and_then(|user| user.0);
    if user != Some(own_user()) {
        return Some("the API answers only to the user who runs the monitor, on the same machine");
    }
    let (headers, ours) = (request.headers(), request.extensions().get::<Transport>());
    let Some(Transport::Tcp { ours, .. }) = ours else { return Some("it is not known where this came from") };
    // A page of a browser may be anybody's, and so may be what a proxy hands on.
    if headers.contains_key(ORIGIN) || !names_us(headers, *ours) {
        return Some("the API does not answer to pages in a browser");
    }
    let forwarded = [FORWARDED.as_str(), "x-forwarded-for", "x-real-ip"];
    let proxied = forwarded.iter().any(|name| headers.contains_key(*name));
    proxied.then_some("this came through a proxy that nobody vouched for")
}

/// Whether `Host` is this machine by its own name for itself: a name that somebody else chose may be a trap for
/// a browser (DNS rebinding).
fn names_us(headers: &HeaderMap, ours: SocketAddr) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let address = host.parse::<SocketAddr>().map(|host| host.ip());
    address.or_else(|_| host.trim_matches(['[', ']']).parse::<IpAddr>()).is_ok_and(|ip| ip.is_loopback())
        || host.split(':').next().is_some_and(|name| name.eq_ignore_ascii_case("localhost"))
        || host == ours.to_string()
}
