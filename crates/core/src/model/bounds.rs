//! The least and largest values of fields: stated with the field, obeyed by validation, told by the schema.

use super::problem::Problem;
use std::fmt;
use utoipa::Number;
use utoipa::openapi::Object;

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

/// A value that has bounds; an absent one lies within any.
pub(crate) trait Bounded {
    /// The value, as it is shown, too.
    fn bounded(&self) -> Option<(f64, &dyn fmt::Display)>;
}

impl Bounded for u32 {
    fn bounded(&self) -> Option<(f64, &dyn fmt::Display)> {
        Some((f64::from(*self), self))
    }
}

impl Bounded for u64 {
    /// Bounds are small, and near them no digit is lost.
    #[allow(clippy::cast_precision_loss)]
    fn bounded(&self) -> Option<(f64, &dyn fmt::Display)> {
        Some((*self as f64, self))
    }
}

impl Bounded for f64 {
    fn bounded(&self) -> Option<(f64, &dyn fmt::Display)> {
        Some((*self, self))
    }
}

impl<T: Bounded> Bounded for Option<T> {
    fn bounded(&self) -> Option<(f64, &dyn fmt::Display)> {
        self.as_ref()?.bounded()
    }
}

impl Bounds {
    /// A problem with the member `field`, a name as it stands in Rust, when `value` lies outside.
    pub(crate) fn check(self, field: &str, value: &impl Bounded) -> Option<Problem> {
        let (value, shown) = value.bounded()?;
        (!self.hold(value))
            .then(|| Problem::new(&camel_case(field), format!("expected {self}, found {shown}")))
    }

    fn hold(self, value: f64) -> bool {
        value.is_finite()
            && match self {
                #[allow(clippy::cast_precision_loss)] // bounds are small
                Self::AtLeast(least) => value >= least as f64,
                Self::Positive => value > 0.0,
                Self::Fraction => (0.0..=1.0).contains(&value),
            }
    }

    /// Tells the schema of the field.
    pub(crate) fn tell(self, schema: &mut Object) {
        match self {
            Self::AtLeast(least) => schema.minimum = Some(number(least)),
            Self::Positive => schema.exclusive_minimum = Some(number(0)),
            Self::Fraction => (schema.minimum, schema.maximum) = (Some(number(0)), Some(number(1))),
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
            assert_eq!(bounds.check("a_b", &value).is_none(), good, "{value}: {bounds}");
        }
        assert!(Bounds::AtLeast(1).check("x", &None::<u32>).is_none(), "what is absent is good");
    }

    #[test]
    fn a_problem_names_the_field_as_json_does_and_the_value_as_it_was() {
        let problem = Bounds::AtLeast(1).check("max_file_bytes", &0_u64).unwrap();
        assert_eq!(problem.to_string(), "maxFileBytes: expected at least 1, found 0");
        assert!(Bounds::AtLeast(1).check("x", &u64::MAX).is_none());
    }
}
