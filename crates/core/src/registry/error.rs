//! What is wrong with the text of a registry.

use std::fmt;

/// What sort of mistake a text has, for those who treat them differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseErrorKind {
    /// The text is not UTF-8, or not JSON.
    NotJson,
    /// A newer version of the monitor wrote it.
    Newer,
    /// It is the registry of another instance.
    OtherInstance,
    /// A key is there twice, or a value has a wrong type or one that cannot be obeyed.
    Invalid,
}

/// A text that is not a registry. Displayed like `line 12, processes.web.args[1]: expected a string,
/// found 5`, one line per problem; the caller adds the name of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// What sort of mistake it is.
    pub kind: ParseErrorKind,
    /// Where in the document, as a JSON path; empty for the document as a whole.
    pub path: String,
    /// Where in the text, counted from 1.
    pub line: usize,
    /// The character of that line, counted from 1.
    pub column: usize,
    /// What is wrong and what would be right. Never holds the value of an environment variable or a token.
    pub message: String,
    /// Further problems of the same text, which have none of their own.
    pub more: Vec<ParseError>,
}

impl std::error::Error for ParseError {}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        match self.path.as_str() {
            "" => write!(f, ", column {}", self.column)?,
            path => write!(f, ", {path}")?,
        }
        write!(f, ": {}", self.message)?;
        self.more.iter().try_for_each(|problem| write!(f, "\n{problem}"))
    }
}
