//! What was found to be wrong, and where.

use crate::model::{JsonPath, Problem, Step};
use crate::nearest::nearest;

/// Problems told at once. Who has more has another kind of problem.
pub const MOST_PROBLEMS: usize = 100;

/// What becomes of fields that this version does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// They are kept: a newer version may have written them.
    Keep,
    /// They are reported: who sent them expects something of them.
    Refuse,
}

/// Collects what is wrong while a document is read.
#[derive(Debug)]
pub struct Report {
    unknown: Unknown,
    place: JsonPath,
    problems: Vec<Problem>,
    strangers: Vec<Problem>,
}

impl Report {
    /// Nothing is wrong so far.
    pub fn new(unknown: Unknown) -> Self {
        Self { unknown, place: JsonPath::root(), problems: Vec::new(), strangers: Vec::new() }
    }

    /// Everything that is wrong, up to [`MOST_PROBLEMS`].
    pub fn into_problems(mut self) -> Vec<Problem> {
        self.problems.append(&mut self.strangers);
        self.problems.truncate(MOST_PROBLEMS);
        self.problems
    }

    /// Of everything that is wrong, the fields that nobody knows.
    pub(super) fn into_strangers(self) -> Vec<Problem> {
        self.strangers
    }

    /// The place of the value that is being read.
    pub fn place(&self) -> &JsonPath {
        &self.place
    }

    /// Reads what is one step further in.
    pub fn inside<T>(&mut self, step: Step, read: impl FnOnce(&mut Self) -> T) -> T {
        self.place.enter(step);
        let result = read(self);
        self.place.leave();
        result
    }

    /// The value that is being read is wrong.
    pub fn wrong(&mut self, message: impl Into<String>) {
        self.tell(Problem::at(self.place.clone(), message));
    }

    /// A field of the object that is being read is missing.
    pub(super) fn missing(&mut self, field: &str) {
        let message = format!("the required field `{field}` is missing");
        self.tell(Problem::at(self.place.clone().key(field), message));
    }

    /// A field of the object that is being read is none of `known`.
    pub(super) fn unknown(&mut self, field: &str, known: &[&'static str]) {
        if self.unknown == Unknown::Keep || self.strangers.len() >= MOST_PROBLEMS {
            return;
        }
        let message = match nearest(field, known.iter()) {
            Some(meant) => format!("there is no such field; did you mean `{meant}`?"),
            None => format!("there is no such field; expected one of {}", known.join(", ")),
        };
        self.strangers.push(Problem::at(self.place.clone().key(field), message));
    }

    pub(super) fn tell(&mut self, problem: Problem) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        }
    }

    /// Adds what a rule says, unless it speaks of a value that could not even be read.
    pub(super) fn judged(&mut self, problem: Problem) {
        if !self.problems.iter().any(|told| problem.path.is_within(&told.path)) {
            self.tell(problem);
        }
    }
}
