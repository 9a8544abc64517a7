//! `null` where a field has a default means the default: the earlier implementation wrote nulls.

use serde::{Deserialize, Deserializer};

/// For `#[serde(default, deserialize_with = "null_is_default")]`.
pub fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
