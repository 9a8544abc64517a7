//! What serde says about a value of a wrong type, in words for people.

use crate::model::{JsonPath, Step};
use serde_json::Value;

/// Longest excerpt of a value in a message, in characters.
const LONGEST_EXCERPT: usize = 60;

/// The message for people about the `value` at `path`, from what `serde` said about it.
pub(super) fn explain(serde: &str, path: &JsonPath, value: &Value) -> String {
    if let Some(field) = serde.strip_prefix("missing field ") {
        return format!("the required field {field} is missing");
    }
    let about_type = ["invalid type: ", "invalid value: ", "unknown variant "];
    match serde.split_once(", expected ") {
        Some((what, wanted)) if about_type.iter().any(|prefix| what.starts_with(prefix)) => {
            expected(in_words(wanted), path, value)
        }
        _ => serde.to_owned(),
    }
}

/// `wanted` was expected, and `value` found at `path`.
pub(super) fn expected(wanted: &str, path: &JsonPath, value: &Value) -> String {
    format!("expected {wanted}, found {}", found(path, value))
}

fn in_words(expected: &str) -> &str {
    match expected {
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        "string or map" | "map with a single key" => "a string",
        "f64" => "a number",
        "i32" => "a whole number",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" => "a whole number, 0 or more",
        structure if structure.starts_with("struct ") => "an object",
        other => other,
    }
}

/// The value as it is written if it is short, otherwise its beginning. Of a secret, an object and a list
/// only the kind.
fn found(path: &JsonPath, value: &Value) -> String {
    let kind = match value {
        Value::Object(_) => "an object",
        Value::Array(_) => "a list",
        Value::String(_) if is_secret(path) => "a string",
        Value::Bool(_) if is_secret(path) => "a boolean",
        Value::Number(_) if is_secret(path) => "a number",
        short_or_long => return excerpt(&short_or_long.to_string()),
    };
    kind.to_owned()
}

fn excerpt(written: &str) -> String {
    match written.char_indices().nth(LONGEST_EXCERPT) {
        None => written.to_owned(),
        Some((end, _)) => format!("{}…", written.get(..end).unwrap_or_default()),
    }
}

fn is_secret(path: &JsonPath) -> bool {
    path.steps().iter().any(|step| matches!(step, Step::Key(key) if key == "environment" || key == "tokens"))
}
