//! What serde says about a value of a wrong type, in words for people.

use crate::model::{JsonPath, Step};

/// Longest excerpt of a value in a message, in characters.
const LONGEST_EXCERPT: usize = 60;

/// The message for people about the value at `path`, from what `serde` said about it and how it is
/// `written`.
pub(super) fn explain(serde: &str, path: &JsonPath, written: &str) -> String {
    if let Some(field) = serde.strip_prefix("missing field ") {
        return format!("the required field {field} is missing");
    }
    let about_type = ["invalid type: ", "invalid value: ", "unknown variant "];
    let expected = match serde.split_once(", expected ") {
        Some((what, expected)) if about_type.iter().any(|prefix| what.starts_with(prefix)) => {
            in_words(expected)
        }
        // serde_json's words for a name of one of several values that is not even a text. Bad syntax it
        // cannot be: the whole text was read before.
        None if serde.starts_with("expected value") => "a string",
        _ => return serde.to_owned(),
    };
    format!("expected {expected}, found {}", found(path, written))
}

fn in_words(expected: &str) -> &str {
    match expected {
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        "f64" => "a number",
        "i32" => "a whole number",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" => "a whole number, 0 or more",
        structure if structure.starts_with("struct ") => "an object",
        other => other,
    }
}

/// The value as it is written if it is short, otherwise its kind. Of a secret, only its kind.
fn found(path: &JsonPath, written: &str) -> String {
    let kind = match written.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') if is_secret(path) => "a string",
        Some(b't' | b'f') if is_secret(path) => "a boolean",
        Some(b'-' | b'0'..=b'9') if is_secret(path) => "a number",
        _ if written.chars().count() <= LONGEST_EXCERPT => written,
        _ => return format!("{}…", written.chars().take(LONGEST_EXCERPT).collect::<String>()),
    };
    kind.to_owned()
}

fn is_secret(path: &JsonPath) -> bool {
    path.steps().iter().any(|step| matches!(step, Step::Key(key) if key == "environment" || key == "tokens"))
}
