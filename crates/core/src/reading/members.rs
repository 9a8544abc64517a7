//! The fields of an object, taken one after the other.

use super::explain::expected;
use super::readable::Readable;
use super::report::Report;
use crate::model::Step;
use serde::Deserialize;
use serde::de::value::Error;
use serde::de::{Deserializer, Error as _, Visitor};
use serde_json::{Map, Value};

/// What is left to be read of an object. Fields are taken in the order of their names.
pub struct Members<'r> {
    object: Map<String, Value>,
    known: &'static [&'static str],
    next: std::slice::Iter<'static, &'static str>,
    report: &'r mut Report,
}

impl<'r> Members<'r> {
    /// The members of an object whose fields are those of `T`, a struct as serde derives it; `None` when it
    /// is no object, which is reported.
    pub fn of<T: Deserialize<'static>>(value: Value, report: &'r mut Report) -> Option<Self> {
        let known = fields_of::<T>();
        match value {
            Value::Object(object) => Some(Self { object, known, next: known.iter(), report }),
            other => {
                report.wrong(expected("an object", report.place(), &other));
                None
            }
        }
    }

    /// The next field. A value that stands in for it when it is missing or wrong, which is reported, lets
    /// the rest be read; `None` where there is none.
    pub fn required<T: Readable>(&mut self) -> Option<T> {
        let name = self.name();
        let read = match self.object.shift_remove(name) {
            Some(value) => self.read(name, value),
            None => {
                self.report.missing(name);
                None
            }
        };
        read.or_else(T::stand_in)
    }

    /// The next field; `None` when it is missing, `null`, or wrong, which is reported.
    pub fn optional<T: Readable>(&mut self) -> Option<T> {
        let name = self.name();
        let value = self.object.shift_remove(name).filter(|value| !value.is_null())?;
        self.read(name, value)
    }

    /// What is left when all fields were taken: fields that nobody knows.
    pub fn rest(self) -> Map<String, Value> {
        for name in self.object.keys() {
            self.report.unknown(name, self.known);
        }
        self.object
    }

    fn name(&mut self) -> &'static str {
        self.next.next().copied().unwrap_or_default()
    }

    fn read<T: Readable>(&mut self, name: &str, value: Value) -> Option<T> {
        self.report.inside(Step::Key(name.to_owned()), |report| T::read(value, report))
    }
}

/// The names of the fields of `T` as they stand in JSON, in the order of declaration: serde knows them, and
/// tells them to whom it asks for a struct.
pub fn fields_of<T: Deserialize<'static>>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    // The answer is in `fields`; there is no `T` to be had.
    let _no_value = T::deserialize(Ask(&mut fields));
    fields
}

struct Ask<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Ask<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("only asked for names"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
