//! Kinds of values, and how each is read.

use super::explain::{expected, explain};
use super::report::Report;
use crate::exit::LastExit;
use crate::id::{InstanceId, ProcessId, RunId};
use crate::model::{FailAction, OutputMode, ProcessState, RestartType, Scope, Step, StopSignal, TokenHash};
use crate::time::Wall;
use indexmap::IndexMap;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;
use std::hash::Hash;
use std::sync::Arc;

/// The names that lead from a value to one inside it.
pub type Path = Vec<&'static str>;

/// What can be read from JSON with everything that is wrong told at once.
pub trait Readable: Sized {
    /// Reads `value`. What is wrong is reported; `None` when nothing can be made of it. A value is good
    /// only when nothing was reported.
    fn read(value: Value, report: &mut Report) -> Option<Self>;

    /// What an object of this kind consists of, objects inside it taken apart; of any other kind that is itself.
    fn paths() -> Vec<Path> {
        vec![Path::new()]
    }

    /// The value in JSON with every field of an object, those too that are left out of a file. `null` for kinds of values of
    /// which nobody asks it.
    fn spelt_out(&self) -> Value {
        Value::Null
    }

    /// Stands in for a value that could not be read, so that the rest of its object or list can be.
    fn stand_in() -> Option<Self> {
        None
    }
}

/// The paths of a field `name` that holds a `T`.
pub fn paths_at<T: Readable>(name: Option<&'static str>) -> impl Iterator<Item = Path> {
    T::paths().into_iter().map(move |path| name.into_iter().chain(path).collect())
}

macro_rules! leaves {
    ($($type:ty = $stand_in:expr),* $(,)?) => {
        $(impl Readable for $type {
            fn read(value: Value, report: &mut Report) -> Option<Self> {
                leaf(&value, report)
            }

            fn spelt_out(&self) -> Value {
                // None of them fails to be written.
                serde_json::to_value(self).unwrap_or_default()
            }

            fn stand_in() -> Option<Self> {
                $stand_in
            }
        })*
    };
}

leaves! {
    bool = Some(false),
    u16 = Some(0),
    u32 = Some(0),
    u64 = Some(0),
    i32 = Some(0),
    f64 = Some(0.0),
    String = Some(String::new()),
    ProcessId = ProcessId::new("x").ok(),
    InstanceId = Some(InstanceId::default()),
    RunId = RunId::new("x").ok(),
    Wall = Some(Wall::default()),
    StopSignal = Some(StopSignal::default()),
    ProcessState = Some(ProcessState::default()),
    RestartType = Some(RestartType::default()),
    FailAction = None,
    // Of a text that is none of them, nothing more is to be said.
    OutputMode = Some(OutputMode::Capture),
    Scope = Some(Scope::Read),
    TokenHash = None,
    LastExit = None,
}

/// A value as serde reads it.
fn leaf<T: DeserializeOwned>(value: &Value, report: &mut Report) -> Option<T> {
    match serde_path_to_error::deserialize(value) {
        Ok(read) => Some(read),
        Err(error) => {
            wrong_leaf(error, value, report);
            None
        }
    }
}

/// Reports at the place inside `value` that `error` is about.
fn wrong_leaf(error: serde_path_to_error::Error<serde_json::Error>, value: &Value, report: &mut Report) {
    let steps: Vec<_> = error.path().iter().filter_map(step).collect();
    let inner = steps.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get(index),
    });
    let message = error.into_inner().to_string();
    descend(&steps, report, |report| {
        report.wrong(explain(&message, report.place(), inner.unwrap_or(value)));
    });
}

fn step(segment: &Segment) -> Option<Step> {
    match segment {
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

fn descend(steps: &[Step], report: &mut Report, tell: impl FnOnce(&mut Report)) {
    match steps.split_first() {
        None => tell(report),
        Some((first, rest)) => report.inside(first.clone(), |report| descend(rest, report, tell)),
    }
}

impl<T: Readable> Readable for Option<T> {
    fn read(value: Value, report: &mut Report) -> Option<Self> {
        if value.is_null() { Some(None) } else { T::read(value, report).map(Some) }
    }

    fn paths() -> Vec<Path> {
        T::paths()
    }

    fn spelt_out(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::spelt_out)
    }

    fn stand_in() -> Option<Self> {
        Some(None)
    }
}

impl<T: Readable> Readable for Box<T> {
    fn read(value: Value, report: &mut Report) -> Option<Self> {
        T::read(value, report).map(Self::new)
    }

    fn paths() -> Vec<Path> {
        T::paths()
    }

    fn spelt_out(&self) -> Value {
        T::spelt_out(self)
    }
}

impl<T: Readable> Readable for Arc<T> {
    fn read(value: Value, report: &mut Report) -> Option<Self> {
        T::read(value, report).map(Self::new)
    }
}

impl<T: Readable> Readable for Vec<T> {
    fn read(value: Value, report: &mut Report) -> Option<Self> {
        let Value::Array(elements) = value else {
            report.wrong(expected("a list", report.place(), &value));
            return None;
        };
        let elements = elements.into_iter().enumerate();
        let read = |(index, element)| {
            let read = report.inside(Step::Index(index), |report| T::read(element, report));
            read.or_else(T::stand_in)
        };
        Some(elements.filter_map(read).collect())
    }

    fn spelt_out(&self) -> Value {
        self.iter().map(T::spelt_out).collect()
    }

    fn stand_in() -> Option<Self> {
        Some(Self::new())
    }
}

impl<K: DeserializeOwned + Hash + Eq, V: Readable> Readable for IndexMap<K, V> {
    fn read(value: Value, report: &mut Report) -> Option<Self> {
        let Value::Object(members) = value else {
            report.wrong(expected("an object", report.place(), &value));
            return None;
        };
        let read = |(key, value): (String, Value)| {
            report.inside(Step::Key(key.clone()), |report| {
                let key = leaf(&Value::String(key), report);
                let value = V::read(value, report);
                Some((key?, value?))
            })
        };
        Some(members.into_iter().filter_map(read).collect())
    }

    fn stand_in() -> Option<Self> {
        Some(Self::new())
    }
}

impl Readable for Value {
    fn read(value: Value, _: &mut Report) -> Option<Self> {
        Some(value)
    }
}

impl Readable for Map<String, Value> {
    fn read(value: Value, report: &mut Report) -> Option<Self> {
        match value {
            Value::Object(members) => Some(members),
            other => {
                report.wrong(expected("an object", report.place(), &other));
                None
            }
        }
    }
}
