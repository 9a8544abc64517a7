//! What is wrong with a value, and where in its document.

use std::fmt;

/// A step from a value of a JSON document to one inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// To the member of an object.
    Key(String),
    /// To the element of a list, counted from 0.
    Index(usize),
}

/// The place of a value in a JSON document. Displayed like `processes.web.args[1]`; a key that is not
/// a plain word is quoted: `processes["web.v2"].args[1]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JsonPath(Vec<Step>);

impl JsonPath {
    /// The whole document.
    pub fn root() -> Self {
        Self::default()
    }

    /// The member at the end of `keys`.
    pub fn of_keys(keys: &[&str]) -> Self {
        keys.iter().fold(Self::root(), |path, key| path.key(*key))
    }

    /// The member `key` of this object.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.0.push(Step::Key(key.into()));
        self
    }

    /// The element `index` of this list.
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(Step::Index(index));
        self
    }

    /// This path, seen from `parent`.
    pub fn under(self, mut parent: Self) -> Self {
        parent.0.extend(self.0);
        parent
    }

    /// Goes one step further in.
    pub(crate) fn enter(&mut self, step: Step) {
        self.0.push(step);
    }

    /// Takes the last step back.
    pub(crate) fn leave(&mut self) {
        self.0.pop();
    }

    /// Its first `steps`.
    pub(crate) fn first(&self, steps: usize) -> Self {
        Self(self.0.iter().take(steps).cloned().collect())
    }

    /// Whether this is the place `outer` or one inside it.
    pub fn is_within(&self, outer: &Self) -> bool {
        self.0.starts_with(&outer.0)
    }

    /// The steps from the document's root.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |key: &str| {
            !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        };
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if !plain(key) => write!(f, "[{key:?}]")?,
                Step::Key(key) if position == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// A value that has the right type and still cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, seen from the object that was validated.
    pub path: JsonPath,
    /// What is wrong, and what would be right. Never holds the value of an environment variable.
    pub message: String,
}

impl Problem {
    /// A problem with the member `field` of the validated object.
    pub fn new(field: &str, message: impl Into<String>) -> Self {
        Self::at(JsonPath::root().key(field), message)
    }

    /// A problem at `path`, seen from the validated object.
    pub fn at(path: JsonPath, message: impl Into<String>) -> Self {
        Self { path, message: message.into() }
    }

    /// The same problem, seen from an object that holds the validated one at `parent`.
    pub fn under(self, parent: JsonPath) -> Self {
        Self { path: self.path.under(parent), message: self.message }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// The problems of the object at the member `field`, seen from the object that holds it.
pub(crate) fn nested(field: &str, problems: Vec<Problem>) -> impl Iterator<Item = Problem> {
    problems.into_iter().map(move |problem| problem.under(JsonPath::root().key(field)))
}

/// A problem when `text` holds a NUL: the system would end the text there (execve(2), chdir(2)).
pub(crate) fn no_nul(text: &str, path: impl FnOnce() -> JsonPath) -> Option<Problem> {
    text.contains('\0')
        .then(|| Problem::at(path(), "holds a NUL character (\\u0000), which no program can be given"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_as_people_write_them() {
        let path = JsonPath::root().key("processes").key("web").key("args").index(1);
        assert_eq!(path.to_string(), "processes.web.args[1]");
        let path = JsonPath::root().key("processes").key("a.b").key("environment").key("x\n");
        assert_eq!(path.to_string(), r#"processes["a.b"].environment["x\n"]"#);
        assert_eq!(JsonPath::root().to_string(), "");
        assert_eq!(JsonPath::root().key("").to_string(), r#"[""]"#);
    }
}
