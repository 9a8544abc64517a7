//! A request: what to do, to what, and with which JSON.

use crate::Error;
use bytes::Bytes;
use hyper::Method;
use process_monitor_core::id::ProcessId;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// How long an answer may take that needs no process to do anything.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// With its query.
    pub(crate) path: String,
    pub(crate) body: Option<Bytes>,
    /// Beside those that every request has.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The process that it is about.
    pub(crate) about: Option<ProcessId>,
    /// Whether it does no harm that the monitor carries it out twice.
    pub(crate) repeatable: bool,
    /// How long the answer may take; without it as long as it takes.
    pub(crate) within: Option<Duration>,
}

impl Call {
    /// A request without a body, which may be repeated unless it is a POST.
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        let repeatable = method != Method::POST;
        let (body, headers, about, within) = (None, Vec::new(), None, Some(ANSWER_WAIT));
        Self { method, path: path.into(), body, headers, about, repeatable, within }
    }

    /// `GET path`
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// A request about one process. Its answer may take as long as the process does. `sub` is empty, or begins with a
    /// slash.
    pub(crate) fn process(method: Method, id: &ProcessId, sub: &str) -> Self {
        Self { about: Some(id.clone()), within: None, ..Self::new(method, format!("/processes/{id}{sub}")) }
    }

    /// With this JSON.
    pub(crate) fn json(mut self, body: &impl Serialize) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(body)
            .map_err(|error| Error::Protocol { request: self.to_string(), why: error.to_string() })?;
        self.body = Some(bytes.into());
        Ok(self)
    }

    /// With one more header.
    pub(crate) fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// It may be carried out twice.
    pub(crate) fn repeatable(self) -> Self {
        Self { repeatable: true, ..self }
    }

    /// It must not be carried out twice.
    pub(crate) fn once(self) -> Self {
        Self { repeatable: false, ..self }
    }

    /// Its answer needs no process to do anything.
    pub(crate) fn quick(self) -> Self {
        Self { within: Some(ANSWER_WAIT), ..self }
    }
}

/// `GET /processes`
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}
