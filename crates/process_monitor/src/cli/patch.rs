//! A change in the making (RFC 7396, JSON merge patch): what was given on the command line, and nothing else.

use serde_json::{Map, Value};

/// The fields that are to be different.
#[derive(Default)]
pub struct Patch(Map<String, Value>);

impl Patch {
    /// The field at `path`, outermost object first, is to be `value`; `null` brings its default back.
    pub fn set(&mut self, path: &[&str], value: impl Into<Value>) {
        put(&mut self.0, path, value.into());
    }

    /// The same, if there is a value.
    pub fn given(&mut self, path: &[&str], value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(path, value);
        }
    }

    /// Whether nothing is to be different.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As it is sent.
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

fn put(object: &mut Map<String, Value>, path: &[&str], value: Value) {
    match path {
        [] => {}
        [field] => drop(object.insert((*field).to_owned(), value)),
        [outer, inner @ ..] => {
            let there = object.entry(*outer).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(there) = there {
                put(there, inner, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_meet_in_one_object() {
        let mut patch = Patch::default();
        assert!(patch.is_empty());
        patch.set(&["a", "b", "c"], 1);
        patch.set(&["a", "d.e"], "x");
        patch.given(&["absent"], None::<u64>);
        patch.given(&["e"], Some(Value::Null));
        let expected = json!({ "a": { "b": { "c": 1 }, "d.e": "x" }, "e": null });
        assert_eq!(Value::Object(patch.into_map()), expected);
    }
}
