//! A whole document that somebody sent, and a change of one.

use super::readable::Readable;
use super::report::{Report, Unknown};
use super::syntax::{NoText, Syntax, decode};
use super::tree::{Tree, tree};
use crate::model::{JsonPath, Problem};
use serde::Serialize;
use serde_json::{Map, Value};

/// Says of a key that it is there twice.
pub(crate) const TWICE: &str = "this key is there twice in the same object; keep one";

/// What is sent as a whole, with rules beyond the types of its fields.
pub trait Document: Readable {
    /// What cannot be obeyed, all of it; empty when the document is good.
    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}

/// Why a text is not the document that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not JSON.
    #[error(transparent)]
    NotJson(#[from] Syntax),
    /// It is JSON, and this is wrong with it: at least one thing.
    #[error("{} values are wrong", .0.len())]
    Invalid(Vec<Problem>),
}

impl From<Vec<Problem>> for Unreadable {
    fn from(problems: Vec<Problem>) -> Self {
        Self::Invalid(problems)
    }
}

/// Reads a document that a client sent.
///
/// # Errors
/// Everything that is wrong with it: keys that are there twice, wrong types, fields that do not exist or
/// are missing, values that cannot be obeyed.
pub fn read<T: Document>(text: &[u8]) -> Result<T, Unreadable> {
    let Tree { root, twice } = parse(text)?;
    let mut report = Report::new(Unknown::Refuse);
    tell_twice(twice, &mut report);
    let read = T::read(root, &mut report);
    Ok(judge(read, report)?)
}

/// The change of a document that a client sent (RFC 7396, JSON merge patch): the fields that are to be
/// different, `null` for those that are to have their default again.
///
/// # Errors
/// Everything that is wrong with it that can be seen without the document that it is to change.
pub fn patch(text: &[u8]) -> Result<Map<String, Value>, Unreadable> {
    let Tree { root, twice } = parse(text)?;
    let mut report = Report::new(Unknown::Refuse);
    tell_twice(twice, &mut report);
    let read = Map::read(root, &mut report);
    Ok(finish(read, report)?)
}

/// `current` with `change`, as [`patch`] reads it, applied to it. Fields of `current` that nobody knows stay.
///
/// # Errors
/// Everything that is wrong with the change and with what would come of it.
pub fn patched<T: Document + Serialize>(current: &T, change: &Map<String, Value>) -> Result<T, Vec<Problem>> {
    let mut strange = Report::new(Unknown::Refuse);
    // For the names of its fields alone: what their values come to is seen in the result.
    let _alone = T::read(Value::Object(change.clone()), &mut strange);
    let mut report = Report::new(Unknown::Keep);
    strange.into_strangers().into_iter().for_each(|problem| report.tell(problem));
    let mut merged = match serde_json::to_value(current) {
        Ok(value) => value,
        Err(error) => {
            return Err(vec![Problem::at(JsonPath::root(), format!("it cannot be changed: {error}"))]);
        }
    };
    merge(&mut merged, change);
    let read = T::read(merged, &mut report);
    judge(read, report)
}

/// RFC 7396, section 2.
fn merge(target: &mut Value, change: &Map<String, Value>) {
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (key, value) in change {
        match value {
            Value::Null => {
                target.shift_remove(key);
            }
            Value::Object(inner) => merge(target.entry(key).or_insert(Value::Null), inner),
            other => {
                target.insert(key.clone(), other.clone());
            }
        }
    }
}

fn parse(text: &[u8]) -> Result<Tree, Syntax> {
    let text = decode(text).map_err(|error| match error {
        NoText::NotUtf8(line, column) => {
            Syntax { line, column, message: "not UTF-8 text; send JSON as UTF-8".to_owned() }
        }
        NoText::Empty => Syntax { line: 1, column: 1, message: "it is empty; send a JSON object".to_owned() },
    })?;
    tree(text).map_err(|error| Syntax::from(&error))
}

fn tell_twice(twice: Vec<JsonPath>, report: &mut Report) {
    twice.into_iter().for_each(|path| report.tell(Problem::at(path, TWICE)));
}

fn judge<T: Document>(read: Option<T>, mut report: Report) -> Result<T, Vec<Problem>> {
    for problem in read.iter().flat_map(Document::problems) {
        report.judged(problem);
    }
    finish(read, report)
}

fn finish<T>(read: Option<T>, report: Report) -> Result<T, Vec<Problem>> {
    let mut problems = report.into_problems();
    match read {
        Some(read) if problems.is_empty() => Ok(read),
        _ => {
            if problems.is_empty() {
                // What cannot be read says why; this is here because a monitor does not panic.
                problems.push(Problem::at(JsonPath::root(), "it cannot be read"));
            }
            Err(problems)
        }
    }
}
