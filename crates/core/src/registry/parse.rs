//! From text to registry, in the order in which a text is refused: not UTF-8, not JSON, a key twice,
//! a wrong type, another instance's, a value that cannot be obeyed. A text of a newer version is called
//! that, whatever else seems wrong with it: its rules are not ours.

use super::explain::explain;
use super::locate::{line_and_column, locate};
use super::unique::UniqueKeys;
use super::{ParseError, ParseErrorKind, Registry, VERSION};
use crate::id::InstanceId;
use crate::model::{JsonPath, Problem};
use serde::Deserialize;
use serde_json::Value;
use serde_json::error::Category;
use serde_path_to_error::Segment;

/// Problems told at once. Who has more has another kind of problem.
const MOST_PROBLEMS: usize = 20;

pub(super) fn parse(text: &[u8], instance: &InstanceId) -> Result<Registry, ParseError> {
    let text = decode(text)?;
    read(text, instance).map_err(|error| newer(text).unwrap_or(error))
}

fn decode(text: &[u8]) -> Result<&str, ParseError> {
    let text = std::str::from_utf8(text).map_err(|error| {
        let before = text.get(..error.valid_up_to()).unwrap_or_default();
        not_json(line_and_column(before), "not UTF-8 text; save the file as UTF-8".to_owned())
    })?;
    // Editors on Windows begin a text with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(not_json((1, 1), "the file is empty; restore it, or remove it to begin anew".to_owned()));
    }
    Ok(text)
}

fn read(text: &str, instance: &InstanceId) -> Result<Registry, ParseError> {
    refuse_syntax(text)?;
    let mut registry = typed(text)?;
    if registry.instance_id != *instance {
        let path = JsonPath::root().key("instanceId");
        let place = locate(text, &path);
        if place.exact && place.written != "null" {
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
    let (line, column) = (error.line().max(1), error.column().max(1));
    let message = without_position(&error);
    Err(match error.classify() {
        // A key that is there twice: the place is that of the second.
        Category::Data => invalid(path, (line, column), message),
        _ => ParseError { path: path.to_string(), ..not_json((line, column), syntax_message(&message)) },
    })
}

fn syntax_message(serde: &str) -> String {
    match serde {
        "recursion limit exceeded" => "objects and lists are nested too deeply".to_owned(),
        "number out of range" => "this number is too large".to_owned(),
        end if end.starts_with("EOF") => "not JSON: the text ends too early; its end is lost".to_owned(),
        other => format!("not JSON: {other}"),
    }
}

fn typed(text: &str) -> Result<Registry, ParseError> {
    serde_json::from_str(text).map_err(|error| {
        let path = path_of_error::<Registry>(text);
        let place = locate(text, &path);
        let message = explain(&without_position(&error), &path, place.written);
        invalid(path, place.at(), message)
    })
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

fn without_position(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    message.strip_suffix(&position).map(str::to_owned).unwrap_or(message)
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
        let at = locate(text, &problem.path).at();
        invalid(problem.path, at, problem.message)
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
