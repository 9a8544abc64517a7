//! The query of a request, with everything that is wrong with it told at once.

use super::error::ApiError;
use axum::extract::Query;
use axum::http::Uri;
use process_monitor_client::api::Problem;
use process_monitor_core::health::shown;
use process_monitor_core::nearest::nearest;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The fields of a query, taken by their names.
pub struct Fields {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
    problems: Vec<Problem>,
}

impl Fields {
    /// Those of a request.
    ///
    /// # Errors
    /// None that is known: any text is a query.
    pub fn of(uri: &Uri) -> Result<Self, ApiError> {
        let Query(pairs) =
            Query::try_from_uri(uri).map_err(|rejection| ApiError::malformed(rejection.body_text()))?;
        Ok(Self { pairs, known: Vec::new(), problems: Vec::new() })
    }

    /// The field `name` as it was sent. That it was sent twice is a problem.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        let (mut found, others) =
            std::mem::take(&mut self.pairs).into_iter().partition(|(key, _)| key == name);
        self.pairs = others;
        let last = Vec::pop(&mut found).map(|(_, value)| value);
        if !found.is_empty() {
            self.wrong(name, "it is there twice; keep one");
        }
        last
    }

    /// The field `name`, read by `read`; what that says otherwise is a problem.
    pub fn read<T>(&mut self, name: &'static str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(name)?;
        read(&text).map_err(|why| self.wrong(name, why)).ok()
    }

    /// The field `name`, one of several words.
    pub fn word<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)]) -> Option<T> {
        self.read(name, |text| {
            let word = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
            let all: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            word.ok_or_else(|| format!("expected {}, found {}", all.join(" or "), shown(text)))
        })
    }

    /// The field `name`, a number.
    pub fn number<T: FromStr + PartialOrd + Display>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<T>,
    ) -> Option<T> {
        self.read(name, |text| {
            let number = text.parse().ok().filter(|number| range.contains(number));
            number.ok_or_else(|| {
                format!(
                    "expected a whole number from {} to {}, found {}",
                    range.start(),
                    range.end(),
                    shown(text)
                )
            })
        })
    }

    /// Something is wrong with the field `name`.
    pub fn wrong(&mut self, name: &str, message: impl Into<String>) {
        self.problems.push(Problem { path: name.to_owned(), message: message.into() });
    }

    /// All fields were taken.
    ///
    /// # Errors
    /// Everything that is wrong with the query, fields that nobody took included.
    pub fn end(mut self) -> Result<(), ApiError> {
        for (name, _) in std::mem::take(&mut self.pairs) {
            let message = match nearest(&name, self.known.iter()) {
                Some(meant) => format!("there is no such field in the query; did you mean {meant}?"),
                None => {
                    format!("there is no such field in the query; expected {}", self.known.join(" or "))
                }
            };
            self.wrong(&name, message);
        }
        if self.problems.is_empty() { Ok(()) } else { Err(ApiError::invalid(self.problems)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(query: &str) -> Fields {
        Fields::of(&format!("/x?{query}").parse().unwrap()).unwrap()
    }

    #[test]
    fn fields_are_read_and_everything_wrong_is_told() {
        let mut good = fields("a=x%20y&n=5&w=two");
        assert_eq!(good.text("a").as_deref(), Some("x y"));
        assert_eq!(good.number("n", 1_u64..=9), Some(5));
        assert_eq!(good.word("w", &[("one", 1), ("two", 2)]), Some(2));
        assert_eq!(good.text("absent"), None);
        assert!(good.end().is_ok());

        let mut bad = fields("n=10&n=11&w=three&nn=1&%ff=%00");
        assert_eq!(bad.number("n", 1_u64..=9), None);
        assert_eq!(bad.word("w", &[("one", 1), ("two", 2)]), None);
        let problems: Vec<_> =
            bad.end().unwrap_err().problems().iter().map(|p| format!("{}: {}", p.path, p.message)).collect();
        assert_eq!(
            problems,
            [
                "n: it is there twice; keep one",
                "n: expected a whole number from 1 to 9, found \"11\"",
                "w: expected one or two, found \"three\"",
                "nn: there is no such field in the query; did you mean n?",
                "\u{fffd}: there is no such field in the query; expected n or w",
            ]
        );
    }
}
