//! From text to registry, in the order in which a text is refused: not UTF-8, not JSON, a key twice,
//! a wrong type, another instance's, a value that cannot be obeyed. A text of a newer version is called
//! that, whatever else seems wrong with it: its rules are not ours.

use super::locate::locate;
use super::unique::UniqueKeys;
use super::{ParseError, ParseErrorKind, Registry, VERSION};
use crate::id::InstanceId;
use crate::model::{JsonPath, Problem};
use crate::reading::syntax::{NoText, Syntax, decode, without_position};
use crate::reading::{Readable, Report, Unknown, tree};
use serde::Deserialize;
use serde_json::Value;
use serde_json::error::Category;
use serde_path_to_error::Segment;

/// Problems told at once. Who has more has another kind of problem.
const MOST_PROBLEMS: usize = 20;

pub(super) fn parse(text: &[u8], instance: &InstanceId) -> Result<Registry, ParseError> {
    let text = text_of(text)?;
    read(text, instance).map_err(|error| newer(text).unwrap_or(error))
}

fn text_of(bytes: &[u8]) -> Result<&str, ParseError> {
    decode(bytes).map_err(|error| match error {
        NoText::NotUtf8(line, column) => {
            not_json((line, column), "not UTF-8 text; save the file as UTF-8".to_owned())
        }
        NoText::Empty => {
            not_json((1, 1), "the file is empty; restore it, or remove it to begin anew".to_owned())
        }
    })
}

fn read(text: &str, instance: &InstanceId) -> Result<Registry, ParseError> {
    refuse_syntax(text)?;
    let mut registry = typed(text)?;
    if registry.instance_id != *instance {
        let path = JsonPath::root().key("instanceId");
        let place = locate(text, &path);
        if place.steps == 1 && place.written != "null" {
            return Err(other_instance(text, path, &registry.instance_id, instance));
        }
        registry.instance_id = instance.clone();
    }
    refuse_problems(text, registry.validate())?;
    Ok(registry)
}

fn refuse_syntax(text: &str) -> Result<(), ParseError> {
    let Err(error) = serde_json::from_str::<UniqueKeys>(text) else { return Ok(()) };
    let path = path_of_error::<UniqueKeys>(text);
    let Syntax { line, column, message } = Syntax::from(&error);
    Err(match error.classify() {
        // A key that is there twice: the place is that of the second.
        Category::Data => invalid(path, (line, column), message),
        _ => ParseError { path: path.to_string(), ..not_json((line, column), message) },
    })
}

/// Serde stops at the first wrong type; then the tree is read, which tells them all.
fn typed(text: &str) -> Result<Registry, ParseError> {
    let error = match serde_json::from_str(text) {
        Ok(registry) => return Ok(registry),
        Err(error) => error,
    };
    let mut report = Report::new(Unknown::Keep);
    if let Ok(tree) = tree(text) {
        // What could be read is of no use.
        let _partial = Registry::read(tree.root, &mut report);
    }
    refuse_problems(text, report.into_problems())?;
    let path = path_of_error::<Registry>(text);
    Err(invalid(path, (error.line(), error.column()), without_position(&error)))
}

/// Where reading a `T` fails. To keep track of the path costs time, so that is done only for a text
/// that is refused.
fn path_of_error<'a, T: Deserialize<'a>>(text: &'a str) -> JsonPath {
    let read = serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_str(text));
    let Err(error) = read else { return JsonPath::root() };
    error.path().iter().fold(JsonPath::root(), |path, segment| match segment {
        Segment::Seq { index } => path.index(*index),
        Segment::Map { key } => path.key(key),
        Segment::Enum { .. } | Segment::Unknown => path,
    })
}

fn other_instance(text: &str, path: JsonPath, found: &InstanceId, wanted: &InstanceId) -> ParseError {
    let at = locate(text, &path).at();
    let message = format!(
        "this is the registry of instance \"{found}\", not of \"{wanted}\"; correct it, or start instance \"{found}\""
    );
    ParseError { kind: ParseErrorKind::OtherInstance, ..invalid(path, at, message) }
}

fn refuse_problems(text: &str, problems: Vec<Problem>) -> Result<(), ParseError> {
    let mut errors = problems.into_iter().take(MOST_PROBLEMS).map(|problem| {
        let place = locate(text, &problem.path);
        // What is missing is missing in the object around it.
        invalid(problem.path.first(place.steps), place.at(), problem.message)
    });
    match errors.next() {
        None => Ok(()),
        Some(first) => Err(ParseError { more: errors.collect(), ..first }),
    }
}

fn newer(text: &str) -> Option<ParseError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: Option<Value>,
    }
    let version = serde_json::from_str::<Versioned>(text).ok()?.version?;
    if version.as_f64()? <= f64::from(VERSION) {
        return None;
    }
    let path = JsonPath::root().key("version");
    let at = locate(text, &path).at();
    let message = format!(
        "version {version} was written by a newer version of this program, this one knows up to {VERSION}; \
         upgrade it, nothing was changed"
    );
    Some(ParseError { kind: ParseErrorKind::Newer, ..invalid(path, at, message) })
}

fn not_json((line, column): (usize, usize), message: String) -> ParseError {
    ParseError { kind: ParseErrorKind::NotJson, path: String::new(), line, column, message, more: Vec::new() }
}

fn invalid(path: JsonPath, at: (usize, usize), message: String) -> ParseError {
    ParseError { kind: ParseErrorKind::Invalid, path: path.to_string(), ..not_json(at, message) }
}
