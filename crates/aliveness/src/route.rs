//! Custom routes: what a handler is given, what it answers, and which one is meant.

use crate::Error;
use crate::callback::Callback;
use hyper::body::Bytes;
use hyper::{HeaderMap, Method, StatusCode, Uri};
use serde_json::Value;

/// A request for a custom route.
#[derive(Debug, Clone)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    /// The method; `HEAD` where only `GET` was declared: answer it as `GET`, the body is left out by itself.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path, as it was declared.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// What follows the `?`, as it was sent (not decoded).
    pub fn query(&self) -> Option<&str> {
        self.uri.query()
    }

    /// The value of a header, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body; empty when there is none.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// What a custom route answers. Anything that is text becomes one: 200, `text/plain`.
#[derive(Debug, Clone)]
#[must_use]
pub struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
}

impl Reply {
    /// 200 with `body`, which is of `content_type`. One that cannot be a header's value is answered as 500.
    pub fn new(content_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { status: StatusCode::OK, content_type: content_type.into(), body: Bytes::from(body.into()) }
    }

    /// 200 with text, in UTF-8.
    pub fn text(body: impl Into<String>) -> Self {
        Self::new("text/plain; charset=utf-8", body.into())
    }

    /// 200 with JSON.
    pub fn json(body: &Value) -> Self {
        Self::new("application/json", body.to_string())
    }

    /// The same with another status.
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// What went wrong, as `{"error": …}`.
    pub(crate) fn error(status: StatusCode, message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self::json(&serde_json::json!({ "error": message })).with_status(status)
    }
}

impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Reply {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

/// A handler at its place.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) handler: Callback<Request, Reply>,
}

/// The two that are always there.
pub(crate) const HEALTH: &str = "/health";
pub(crate) const STATUS: &str = "/status";

/// What a method and a path mean.
pub(crate) enum Target<'a> {
    Health,
    Status,
    Custom(&'a Route),
    /// The path is there, but not for this method; for these.
    OtherMethod(String),
    Nothing,
}

/// All routes.
pub(crate) struct Routes(Vec<Route>);

impl Routes {
    /// Refuses routes that could never be reached.
    pub(crate) fn new(routes: Vec<Route>) -> Result<Self, Error> {
        let ours = |route: &Route| matches!(route.path.as_str(), HEALTH | STATUS) && readable(&route.method);
        for (index, route) in routes.iter().enumerate() {
            let same = |other: &Route| other.method == route.method && other.path == route.path;
            let problem = if !route.path.starts_with('/') {
                "its path must begin with /"
            } else if route.path.contains(['?', '#']) {
                "its path must not contain ? or #"
            } else if ours(route) {
                "it is what the health and status callbacks are for"
            } else if routes.iter().take(index).any(same) {
                "it is declared twice"
            } else {
                continue;
            };
            return Err(Error::Route { route: format!("{} {}", route.method, route.path), problem });
        }
        Ok(Self(routes))
    }

    /// Finds who answers. `HEAD` is answered by who answers `GET`, unless a route was declared for it.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Target<'_> {
        match path {
            HEALTH if readable(method) => return Target::Health,
            STATUS if readable(method) => return Target::Status,
            _ => {}
        }
        let declared = |wanted: &Method| self.0.iter().find(|it| it.path == path && it.method == *wanted);
        let found =
            declared(method).or_else(|| if method == Method::HEAD { declared(&Method::GET) } else { None });
        match found {
            Some(route) => Target::Custom(route),
            None => match self.allowed(path) {
                allowed if allowed.is_empty() => Target::Nothing,
                allowed => Target::OtherMethod(allowed.join(", ")),
            },
        }
    }

    /// The methods that `path` has.
    fn allowed(&self, path: &str) -> Vec<&str> {
        let ours = matches!(path, HEALTH | STATUS).then_some(&Method::GET);
        let custom = self.0.iter().filter(|route| route.path == path).map(|route| &route.method);
        let mut allowed: Vec<&str> = ours.into_iter().chain(custom).map(Method::as_str).collect();
        if allowed.contains(&"GET") && !allowed.contains(&"HEAD") {
            allowed.push("HEAD");
        }
        allowed
    }
}

fn readable(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}
