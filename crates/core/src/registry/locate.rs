//! Where a value stands in a text. Slow and simple: only a text that is refused is looked at.

use crate::model::{JsonPath, Step};
use crate::reading::syntax::line_and_column;
use indexmap::IndexMap;
use serde_json::value::RawValue;

/// A value in a text.
pub(super) struct Place<'a> {
    line: usize,
    column: usize,
    /// The value as it is written, without space around it.
    pub written: &'a str,
    /// How many steps of the path were found; if not all, this is the innermost object or list on the way.
    pub steps: usize,
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
    let mut steps = 0;
    for step in path.steps() {
        let Some(inner) = child(written, step) else { break };
        written = inner;
        steps += 1;
    }
    // `written` is a part of `text`, so the difference of their addresses is its offset.
    let offset = written.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    let (line, column) = line_and_column(text.as_bytes().get(..offset).unwrap_or_default());
    Place { line, column, written, steps }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_path() {
        let text = "\n{ \"ä\": [1,\n  {\"b\\u0031\": true}], \"c\": {} }\n";
        let table = [
            (JsonPath::root(), 2, 1, 0),
            (JsonPath::root().key("ä"), 2, 8, 1),
            (JsonPath::root().key("ä").index(1), 3, 3, 2),
            (JsonPath::root().key("ä").index(1).key("b1"), 3, 15, 3),
            (JsonPath::root().key("ä").index(9), 2, 8, 1),
            (JsonPath::root().key("c").key("missing").key("deeper"), 3, 28, 1),
        ];
        for (path, line, column, steps) in table {
            let place = locate(text, &path);
            assert_eq!((place.line, place.column, place.steps), (line, column, steps), "{path}");
        }
        assert_eq!(locate(text, &JsonPath::root().key("ä").index(1)).written, "{\"b\\u0031\": true}");
    }
}
