//! Bytes that are no text, and texts that are no JSON.

use serde_json::error::{Category, Error};

/// Where a text stops to be JSON, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct Syntax {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1.
    pub column: usize,
    /// In words.
    pub message: String,
}

/// Why bytes hold nothing to read.
pub(crate) enum NoText {
    /// They are not UTF-8; the place is that of the first that is not.
    NotUtf8(usize, usize),
    /// There is nothing but space.
    Empty,
}

/// The text, without the byte order mark with which editors on Windows begin one.
pub(crate) fn decode(bytes: &[u8]) -> Result<&str, NoText> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let (line, column) = line_and_column(bytes.get(..error.valid_up_to()).unwrap_or_default());
        NoText::NotUtf8(line, column)
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() { Err(NoText::Empty) } else { Ok(text) }
}

impl From<&Error> for Syntax {
    fn from(error: &Error) -> Self {
        let message = without_position(error);
        let message = match (error.classify(), message.as_str()) {
            (Category::Data, _) => message,
            (_, "recursion limit exceeded") => "objects and lists are nested too deeply".to_owned(),
            (_, "number out of range") => "this number is too large".to_owned(),
            (_, end) if end.starts_with("EOF") => {
                "not JSON: the text ends too early; its end is lost".to_owned()
            }
            (_, other) => format!("not JSON: {other}"),
        };
        Self { line: error.line().max(1), column: error.column().max(1), message }
    }
}

/// What `error` says, without where.
pub(crate) fn without_position(error: &Error) -> String {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    message.strip_suffix(&position).map(str::to_owned).unwrap_or(message)
}

/// Where a text that begins with `before` goes on. Both are counted from 1; columns in characters, as
/// far as `before` is UTF-8.
pub(crate) fn line_and_column(before: &[u8]) -> (usize, usize) {
    let is_newline = |byte: &u8| *byte == b'\n';
    let last_line = before.rsplit(is_newline).next().unwrap_or_default();
    let starts_character = |byte: &&u8| **byte & 0xC0 != 0x80;
    (
        before.iter().filter(|b| is_newline(b)).count() + 1,
        last_line.iter().filter(starts_character).count() + 1,
    )
}
