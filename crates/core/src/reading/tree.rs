//! JSON as a tree. Unlike serde_json's own reading it notes the keys that are there twice.

use super::report::MOST_PROBLEMS;
use crate::model::{JsonPath, Step};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// What a text holds.
#[derive(Debug)]
pub struct Tree {
    /// The value.
    pub root: Value,
    /// The keys that are twice in the same object; of their values the last is in the tree.
    pub twice: Vec<JsonPath>,
}

/// Reads a text as JSON.
///
/// # Errors
/// It is no JSON, or nested too deeply.
pub fn tree(text: &str) -> Result<Tree, serde_json::Error> {
    let mut notes = Notes::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    let root = Node(&mut notes).deserialize(&mut reader)?;
    reader.end()?;
    Ok(Tree { root, twice: notes.twice })
}

#[derive(Default)]
struct Notes {
    place: JsonPath,
    twice: Vec<JsonPath>,
}

impl Notes {
    fn twice(&mut self) {
        if self.twice.len() < MOST_PROBLEMS && !self.twice.contains(&self.place) {
            self.twice.push(self.place.clone());
        }
    }
}

struct Node<'a>(&'a mut Notes);

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            self.0.place.enter(Step::Key(key.clone()));
            let value = members.next_value_seed(Node(self.0))?;
            if object.insert(key, value).is_some() {
                self.0.twice();
            }
            self.0.place.leave();
        }
        Ok(Value::Object(object))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        self.0.place.enter(Step::Index(0));
        while let Some(value) = elements.next_element_seed(Node(self.0))? {
            list.push(value);
            self.0.place.leave();
            self.0.place.enter(Step::Index(list.len()));
        }
        self.0.place.leave();
        Ok(Value::Array(list))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_tree_is_what_serde_reads_and_the_keys_that_are_there_twice() {
        let read = tree(r#"{"a":[1,-2,0.5,{"b":null,"b":true}],"c":{},"a\u0031":"x","a1":[]}"#).unwrap();
        assert_eq!(read.root, json!({"a": [1, -2, 0.5, {"b": true}], "c": {}, "a1": []}));
        let twice: Vec<_> = read.twice.iter().map(ToString::to_string).collect();
        assert_eq!(twice, ["a[3].b", "a1"]);
        let same = tree(r#"{"a":1,"a":2,"a":3}"#).unwrap();
        assert_eq!((same.root, same.twice.len()), (json!({"a": 3}), 1));
        assert!(tree("[1] 2").is_err());
    }
}
