//! Rules of fields: stated with the field, obeyed by validation, told by the schema.

use super::JsonPath;
use super::problem::{Problem, no_nul};
use indexmap::IndexMap;
use std::fmt;
use utoipa::Number;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, ObjectBuilder, Schema, Type};

/// Where a value stands.
pub(crate) type Place<'a> = &'a dyn Fn() -> JsonPath;

/// A rule that values of type `T` keep to.
pub(crate) trait Rule<T> {
    /// What is wrong with the value at `place`, which is only asked for when something is.
    fn check(&self, place: Place<'_>, value: &T) -> Vec<Problem>;

    /// Tells the schema of such a value.
    fn tell(&self, schema: &mut RefOr<Schema>);
}

/// An absent value keeps to any rule.
impl<T, R: Rule<T>> Rule<Option<T>> for R {
    fn check(&self, place: Place<'_>, value: &Option<T>) -> Vec<Problem> {
        value.as_ref().map(|value| self.check(place, value)).unwrap_or_default()
    }

    fn tell(&self, schema: &mut RefOr<Schema>) {
        Rule::<T>::tell(self, schema);
    }
}

/// Between what a field's value must lie.
#[derive(Clone, Copy)]
pub(crate) enum Bounds {
    /// At least this.
    AtLeast(u64),
    /// More than nothing.
    Positive,
    /// From 0 to 1, both included.
    Fraction,
}

/// A value that has bounds.
pub(crate) trait Bounded: fmt::Display {
    /// The value as a number. Bounds are small, and near them no digit is lost.
    fn number(&self) -> f64;
}

impl Bounded for u32 {
    fn number(&self) -> f64 {
        f64::from(*self)
    }
}

impl Bounded for u64 {
    #[allow(clippy::cast_precision_loss)]
    fn number(&self) -> f64 {
        *self as f64
    }
}

impl Bounded for f64 {
    fn number(&self) -> f64 {
        *self
    }
}

impl<T: Bounded> Rule<T> for Bounds {
    fn check(&self, place: Place<'_>, value: &T) -> Vec<Problem> {
        let wrong = !self.hold(value.number());
        wrong.then(|| Problem::at(place(), format!("expected {self}, found {value}"))).into_iter().collect()
    }

    fn tell(&self, schema: &mut RefOr<Schema>) {
        let RefOr::T(Schema::Object(schema)) = schema else { return };
        match *self {
            Self::AtLeast(least) => schema.minimum = Some(number(least)),
            Self::Positive => schema.exclusive_minimum = Some(number(0)),
            Self::Fraction => (schema.minimum, schema.maximum) = (Some(number(0)), Some(number(1))),
        }
    }
}

impl Bounds {
    fn hold(self, value: f64) -> bool {
        value.is_finite()
            && match self {
                #[allow(clippy::cast_precision_loss)] // bounds are small
                Self::AtLeast(least) => value >= least as f64,
                Self::Positive => value > 0.0,
                Self::Fraction => (0.0..=1.0).contains(&value),
            }
    }
}

fn number(bound: u64) -> Number {
    Number::UInt(usize::try_from(bound).unwrap_or(usize::MAX))
}

/// What is right, as it follows "expected".
impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, "at least {least}"),
            Self::Positive => f.write_str("a number greater than 0"),
            Self::Fraction => f.write_str("a fraction from 0 to 1"),
        }
    }
}

/// The name or path of an executable.
pub(crate) struct Executable;

impl Rule<String> for Executable {
    fn check(&self, place: Place<'_>, command: &String) -> Vec<Problem> {
        let nothing = "expected the name or path of an executable, found nothing";
        let missing = command.trim().is_empty().then(|| Problem::at(place(), nothing));
        missing.into_iter().chain(no_nul(command, place)).collect()
    }

    fn tell(&self, schema: &mut RefOr<Schema>) {
        set_pattern(schema, r"^[^\u0000]*[^\s\u0000][^\u0000]*$");
    }
}

/// A folder; the system takes any text without a NUL (chdir(2)).
pub(crate) struct Folder;

impl Rule<String> for Folder {
    fn check(&self, place: Place<'_>, folder: &String) -> Vec<Problem> {
        let nothing = "expected a folder, found an empty text; leave it out for the monitor's own";
        let missing = folder.is_empty().then(|| Problem::at(place(), nothing));
        missing.into_iter().chain(no_nul(folder, place)).collect()
    }

    fn tell(&self, schema: &mut RefOr<Schema>) {
        set_pattern(schema, r"^[^\u0000]+$");
    }
}

/// The arguments of a program.
pub(crate) struct Arguments;

impl Rule<Vec<String>> for Arguments {
    fn check(&self, place: Place<'_>, args: &Vec<String>) -> Vec<Problem> {
        let args = args.iter().enumerate();
        args.filter_map(|(index, arg)| no_nul(arg, || place().index(index))).collect()
    }

    fn tell(&self, schema: &mut RefOr<Schema>) {
        if let RefOr::T(Schema::Array(array)) = schema
            && let ArrayItems::RefOrSchema(items) = &mut array.items
        {
            set_pattern(items, WITHOUT_NUL);
        }
    }
}

/// Variables of an environment; the system takes them as texts `NAME=value` (environ(7)).
pub(crate) struct Variables;

impl Rule<IndexMap<String, String>> for Variables {
    fn check(&self, place: Place<'_>, variables: &IndexMap<String, String>) -> Vec<Problem> {
        variables.iter().filter_map(|(name, value)| variable_problem(place, name, value)).collect()
    }

    fn tell(&self, schema: &mut RefOr<Schema>) {
        let RefOr::T(Schema::Object(object)) = schema else { return };
        let name = ObjectBuilder::new().schema_type(Type::String).pattern(Some(r"^[^=\u0000]+$")).build();
        object.property_names = Some(Box::new(name.into()));
        if let Some(AdditionalProperties::RefOr(value)) = object.additional_properties.as_deref_mut() {
            set_pattern(value, WITHOUT_NUL);
        }
    }
}

fn variable_problem(place: Place<'_>, name: &str, value: &str) -> Option<Problem> {
    let path = || place().key(name);
    if name.is_empty() || name.contains('=') {
        let message = "the name of an environment variable must not be empty nor hold '='";
        return Some(Problem::at(path(), message));
    }
    no_nul(name, path).or_else(|| no_nul(value, path))
}

/// A text without a NUL (regular expression of ECMA-262, as schemas have them).
const WITHOUT_NUL: &str = r"^[^\u0000]*$";

fn set_pattern(schema: &mut RefOr<Schema>, pattern: &str) {
    if let RefOr::T(Schema::Object(object)) = schema {
        object.pattern = Some(pattern.to_owned());
    }
}

/// The place of a field, whose name is as it stands in Rust, in its object.
pub(crate) fn member(field: &str) -> JsonPath {
    JsonPath::root().key(camel_case(field))
}

/// The name in JSON of a field of a struct: serde's rule `camelCase`.
fn camel_case(field: &str) -> String {
    let mut words = field.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        name + &head.to_ascii_uppercase() + tail
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_within_bounds() {
        let table: [(Bounds, f64, bool); 10] = [
            (Bounds::AtLeast(10), 10.0, true),
            (Bounds::AtLeast(10), 9.9, false),
            (Bounds::AtLeast(1), f64::NAN, false),
            (Bounds::AtLeast(1), f64::INFINITY, false),
            (Bounds::Positive, 0.001, true),
            (Bounds::Positive, 0.0, false),
            (Bounds::Fraction, 0.0, true),
            (Bounds::Fraction, 1.0, true),
            (Bounds::Fraction, 1.001, false),
            (Bounds::Fraction, -0.1, false),
        ];
        for (bounds, value, good) in table {
            assert_eq!(bounds.check(&|| member("a_b"), &value).is_empty(), good, "{value}: {bounds}");
        }
        assert!(Bounds::AtLeast(1).check(&|| member("x"), &None::<u32>).is_empty(), "what is absent is good");
    }

    #[test]
    fn a_problem_names_the_field_as_json_does_and_the_value_as_it_was() {
        let problems = Bounds::AtLeast(1).check(&|| member("max_file_bytes"), &0_u64);
        assert_eq!(problems[0].to_string(), "maxFileBytes: expected at least 1, found 0");
        assert!(Bounds::AtLeast(1).check(&|| member("x"), &u64::MAX).is_empty());
    }
}
