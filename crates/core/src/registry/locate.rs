//! Where a value stands in a text. Slow and simple: only a text that is refused is looked at.

use crate::model::{JsonPath, Step};
use indexmap::IndexMap;
use serde_json::value::RawValue;

/// A value in a text.
pub(super) struct Place<'a> {
    line: usize,
    column: usize,
    /// The value as it is written, without space around it.
    pub written: &'a str,
    /// Whether the whole path was found; otherwise this is the innermost object or list on the way.
    pub exact: bool,
}

impl Place<'_> {
    /// Line and column, both counted from 1; the column in characters.
    pub fn at(&self) -> (usize, usize) {
        (self.line, self.column)
    }
}

/// Finds the value at `path` in a text that is JSON.
pub(super) fn locate<'a>(text: &'a str, path: &JsonPath) -> Place<'a> {
    let mut written = text.trim();
    let mut exact = true;
    for step in path.steps() {
        match child(written, step) {
            Some(inner) => written = inner,
            None => {
                exact = false;
                break;
            }
        }
    }
    // `written` is a part of `text`, so the difference of their addresses is its offset.
    let offset = written.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    let (line, column) = line_and_column(text.as_bytes().get(..offset).unwrap_or_default());
    Place { line, column, written, exact }
}

fn child<'a>(parent: &'a str, step: &Step) -> Option<&'a str> {
    let value = match step {
        Step::Key(key) => {
            serde_json::from_str::<IndexMap<String, &RawValue>>(parent).ok()?.get(key).copied()?
        }
        Step::Index(index) => serde_json::from_str::<Vec<&RawValue>>(parent).ok()?.get(*index).copied()?,
    };
    Some(value.get())
}

/// Where a text that begins with `before` goes on. Both are counted from 1; columns in characters, as
/// far as `before` is UTF-8.
pub(super) fn line_and_column(before: &[u8]) -> (usize, usize) {
    let is_newline = |byte: &u8| *byte == b'\n';
    let last_line = before.rsplit(is_newline).next().unwrap_or_default();
    let starts_character = |byte: &&u8| **byte & 0xC0 != 0x80;
    (
        before.iter().filter(|b| is_newline(b)).count() + 1,
        last_line.iter().filter(starts_character).count() + 1,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_path() {
        let text = "\n{ \"ä\": [1,\n  {\"b\\u0031\": true}], \"c\": {} }\n";
        let table = [
            (JsonPath::root(), 2, 1, true),
            (JsonPath::root().key("ä"), 2, 8, true),
            (JsonPath::root().key("ä").index(1), 3, 3, true),
            (JsonPath::root().key("ä").index(1).key("b1"), 3, 15, true),
            (JsonPath::root().key("ä").index(9), 2, 8, false),
            (JsonPath::root().key("c").key("missing").key("deeper"), 3, 28, false),
        ];
        for (path, line, column, exact) in table {
            let place = locate(text, &path);
            assert_eq!((place.line, place.column, place.exact), (line, column, exact), "{path}");
        }
        assert_eq!(locate(text, &JsonPath::root().key("ä").index(1)).written, "{\"b\\u0031\": true}");
    }
}
