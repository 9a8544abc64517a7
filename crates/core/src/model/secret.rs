//! Values that are kept and never shown.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use utoipa::ToSchema;

/// A part of the registry that holds secrets: written to the registry's file, shown nowhere else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Secret(Value);

impl Secret {
    /// Keeps `value`.
    pub fn new(value: Value) -> Self {
        Self(value)
    }

    /// The value itself, for the one who needs it.
    pub fn expose(&self) -> &Value {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}
