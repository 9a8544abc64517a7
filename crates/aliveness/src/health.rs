//! What a health callback says.

use serde_json::{Map, Value};
use std::fmt;

/// Whether the program is well, and what else is worth knowing about that.
///
/// Callbacks may return anything that converts into it: a `bool`, or a `Result` whose error becomes the reason.
///
/// ```
/// use aliveness::Health;
///
/// let full = Health::unhealthy("the disk is full").with("freeBytes", 0);
/// assert!(!full.is_healthy());
/// assert!(Health::from(true).is_healthy());
/// assert_eq!(Health::from(Err::<(), _>("no database")).reason(), Some("no database"));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Health {
    healthy: bool,
    reason: Option<String>,
    details: Map<String, Value>,
}

impl Health {
    /// The program is well.
    pub fn healthy() -> Self {
        Self { healthy: true, reason: None, details: Map::new() }
    }

    /// The program is not well; `reason` is shown as `"reason"` to whoever asks.
    pub fn unhealthy(reason: impl Into<String>) -> Self {
        Self { healthy: false, reason: Some(reason.into()), details: Map::new() }
    }

    /// Adds a field to the answer. `healthy`, `timestamp` and `reason` are ours: a detail of such a name is not shown.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.details.insert(name.into(), value.into());
        self
    }

    /// Whether the program is well.
    pub fn is_healthy(&self) -> bool {
        self.healthy
    }

    /// Why it is not.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The body of `GET /health`.
    pub(crate) fn into_json(self, timestamp: String) -> Value {
        let mut object = self.details;
        object.remove("reason");
        object.insert("healthy".into(), self.healthy.into());
        object.insert("timestamp".into(), timestamp.into());
        if let Some(reason) = self.reason {
            object.insert("reason".into(), reason.into());
        }
        Value::Object(object)
    }
}

/// Without a reason: `false` gives none.
impl From<bool> for Health {
    fn from(healthy: bool) -> Self {
        Self { healthy, ..Self::healthy() }
    }
}

/// `Ok` is healthy, an error is the reason why not.
impl<E: fmt::Display> From<Result<(), E>> for Health {
    fn from(result: Result<(), E>) -> Self {
        match result {
            Ok(()) => Self::healthy(),
            Err(error) => Self::unhealthy(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_cannot_pass_for_our_fields() {
        let lying =
            Health::from(false).with("healthy", true).with("timestamp", 1).with("reason", "x").with("n", 2);
        let json = lying.into_json("now".into());
        assert_eq!(json, serde_json::json!({"healthy": false, "timestamp": "now", "n": 2}));
    }
}
