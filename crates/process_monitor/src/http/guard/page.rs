//! What a page in a browser may do: `Host`, `Origin`, content type, and CORS.

use super::super::error::ApiError;
use super::super::transport::Transport;
use super::{Guard, Refused};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, CONTENT_LENGTH,
    CONTENT_TYPE, HOST, HeaderValue, ORIGIN, TRANSFER_ENCODING, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use process_monitor_core::access::HostPatterns;
use process_monitor_core::access::browser::{OurNames, Page};
use process_monitor_core::model::RemoteAccess;

/// The kinds of body that are taken. A page may send none of them to another host without asking first.
const KINDS: [&str; 2] = ["application/json", "application/merge-patch+json"];

impl Guard {
    /// Whether the request is meant for us.
    pub(super) async fn check_host(&self, request: &Parts, access: &RemoteAccess) -> Result<(), Refused> {
        let Some(Transport::Tcp { ours, .. }) = request.extensions.get() else { return Ok(()) };
        let (ours, allowed) = (ours.ip(), HostPatterns::new(&access.allowed_hosts));
        for host in hosts(request)? {
            let names = OurNames { ours, names: &self.0.own_names, allowed: &allowed };
            if names.needs_names(host) && !ours.is_loopback() {
                let verified = self.0.names.of(ours).await;
                OurNames { names: &verified, ..names }.check(host)?;
            } else {
                names.check(host)?;
            }
        }
        Ok(())
    }
}

/// Every host that the request says it is for: `Host`, and what stands before the path.
fn hosts(request: &Parts) -> Result<Vec<&str>, ApiError> {
    let mut headers = request.headers.get_all(HOST).iter();
    let (first, second) = (headers.next(), headers.next());
    let authority = request.uri.authority().map(axum::http::uri::Authority::as_str);
    let header = match (first.map(HeaderValue::to_str), second) {
        (Some(Ok(host)), None) => Some(host),
        // A client of HTTP/1.0 need not say it, and is no browser (RFC 9112, section 3.2).
        (None, None) if request.version == Version::HTTP_10 || authority.is_some() => None,
        _ => {
            return Err(ApiError::malformed(
                "the request must have one header Host, of printable characters",
            ));
        }
    };
    Ok(header.into_iter().chain(authority).collect())
}

fn page(headers: &HeaderMap) -> Page<'_> {
    // What cannot be read as text is some origin, and none of ours; so are two.
    let text = |name: HeaderName| {
        let mut values = headers.get_all(name).iter();
        let (first, second) = (values.next()?, values.next());
        Some(first.to_str().ok().filter(|_| second.is_none()).unwrap_or("?"))
    };
    Page { origin: text(ORIGIN), site: text(HeaderName::from_static("sec-fetch-site")), host: text(HOST) }
}

/// Whether the request may change something, as far as its page and the kind of its body go.
pub fn may_change(request: &Parts, access: &RemoteAccess) -> Result<(), Refused> {
    page(&request.headers).may_change(&access.cors_origins)?;
    let headers = &request.headers;
    let empty = headers.get(CONTENT_LENGTH).is_none_or(|length| length == "0");
    if empty && !headers.contains_key(TRANSFER_ENCODING) {
        return Ok(());
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("nothing");
    let essence = kind.split(';').next().unwrap_or_default().trim();
    match KINDS.iter().any(|known| known.eq_ignore_ascii_case(essence)) {
        true => Ok(()),
        false => Err(ApiError::not_json(kind, &KINDS[..1]).into()),
    }
}

/// What pages of other origins are told (Fetch standard, 3.2).
pub struct Cors {
    /// The page's origin, if it is one of `corsOrigins`.
    origin: Option<HeaderValue>,
}

impl Cors {
    /// For the page that sent `request`.
    pub fn of(request: &Parts, access: &RemoteAccess) -> Self {
        let page = page(&request.headers);
        let origin = page.listed(&access.cors_origins);
        Self { origin: origin.and_then(|origin| HeaderValue::from_str(origin).ok()) }
    }

    /// The answer to a browser that asks whether its page may ask. Nothing is said to other pages than those listed,
    /// and then the browser refuses.
    pub fn preflight(&self, request: &Parts) -> Option<Response> {
        let headers = &request.headers;
        let asks = request.method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let _listed = self.origin.as_ref().filter(|_| asks)?;
        let mut response = StatusCode::NO_CONTENT.into_response();
        let told = [
            (ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PUT, PATCH, DELETE"),
            (ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, last-event-id"),
            (ACCESS_CONTROL_MAX_AGE, "600"),
        ];
        for (name, value) in told {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        Some(response)
    }

    /// Lets the page read the answer, if it is one of those listed.
    pub fn tell(self, response: &mut Response) {
        let headers = response.headers_mut();
        // A cache must not give the answer for one page to another.
        headers.append(VARY, HeaderValue::from_static("origin"));
        // Nor may a page take it in as a script or a picture.
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
        if let Some(origin) = self.origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
        }
    }
}
