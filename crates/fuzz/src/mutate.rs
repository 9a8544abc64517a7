//! New inputs from old ones: of their bytes, and of the JSON that they hold.

use super::registry::BETWEEN;
use fastrand::Rng;
use serde_json::{Map, Value};

/// Values that readers get wrong.
const ODD: &[&str] = &[
    "null",
    "true",
    "0",
    "-1",
    "1",
    "9",
    "10",
    "65536",
    "4294967296",
    "18446744073709551616",
    "-9223372036854775809",
    "1e308",
    "-0.0",
    "1.5",
    "0.1",
    "\"\"",
    "\"\\u0000\"",
    "\"\\ud83d\\ude00\"",
    "\"a\\nb\"",
    "\"..\"",
    "\"A=B\"",
    "\"http://u:p@h:0/\"",
    "\"localhost:1\"",
    "\"SIGTERM\"",
    "\"(\"",
    "\"2026-01-24T10:30:00Z\"",
    "\"9999-12-31T23:59:59.999Z\"",
    "[]",
    "{}",
    "[[]]",
    "{\"\":null}",
];

/// Makes new inputs from those of a corpus.
pub struct Mutator {
    random: Rng,
}

impl Mutator {
    /// The same `seed` makes the same inputs.
    pub fn new(seed: u64) -> Self {
        Self { random: Rng::with_seed(seed) }
    }

    /// A new input.
    pub fn next(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.pick(corpus).cloned().unwrap_or_default();
        for _ in 0..=self.random.usize(..4) {
            input = match self.random.u8(..10) {
                0..=6 => self.tree(&input, corpus).unwrap_or(input),
                7 => self.twice(&input),
                8 => self.joined(&input, corpus),
                _ => self.bytes(input),
            };
        }
        input
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        if all.is_empty() { None } else { all.get(self.random.usize(..all.len())) }
    }

    /// Two inputs in one.
    fn joined(&mut self, input: &[u8], corpus: &[Vec<u8>]) -> Vec<u8> {
        let other = self.pick(corpus).cloned().unwrap_or_default();
        [input, BETWEEN, &other].concat()
    }

    fn bytes(&mut self, mut input: Vec<u8>) -> Vec<u8> {
        if input.is_empty() {
            return vec![self.random.u8(..)];
        }
        let at = self.random.usize(..input.len());
        match self.random.u8(..5) {
            0 => input.truncate(at),
            1 => input.insert(at, self.random.u8(..)),
            2 => {
                input.remove(at);
            }
            3 => {
                let end = (at + self.random.usize(1..16)).min(input.len());
                let part: Vec<_> = input.drain(at..end).collect();
                let to = self.random.usize(..=input.len());
                input.splice(to..to, part);
            }
            _ => input.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << self.random.u8(..8)),
        }
        input
    }

    /// Some member of an object is there once more.
    fn twice(&mut self, input: &[u8]) -> Vec<u8> {
        let opened: Vec<_> =
            input.iter().enumerate().filter(|(_, b)| **b == b'{').map(|(at, _)| at + 1).collect();
        let Some(at) = self.pick(&opened).copied() else { return input.to_vec() };
        let keys = ["\"id\":1,", "\"name\":\"n\",", "\"type\":\"never\",", "\"\":0,", "\"url\":null,"];
        let member = self.pick(&keys).copied().unwrap_or_default();
        let (before, after) = input.split_at(at);
        [before, member.as_bytes(), after].concat()
    }

    /// Some value of the JSON is another, of the same corpus or an odd one.
    fn tree(&mut self, input: &[u8], corpus: &[Vec<u8>]) -> Option<Vec<u8>> {
        let mut root: Value = serde_json::from_slice(input).ok()?;
        let donor: Value =
            self.pick(corpus).and_then(|text| serde_json::from_slice(text).ok()).unwrap_or_default();
        let count = size(&root);
        let target = self.random.usize(..count);
        let value = nth(&mut root, target)?;
        match (self.random.u8(..6), value) {
            (0..=1, Value::Object(members)) => self.rename(members),
            (2, Value::Object(members)) => self.drop_one(members),
            (3, value) => *value = self.part_of(donor),
            (4, value) => *value = Value::Array(vec![value.take()]),
            (_, value) => *value = self.odd(),
        }
        serde_json::to_vec(&root).ok()
    }

    fn odd(&mut self) -> Value {
        self.pick(ODD).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    fn part_of(&mut self, mut donor: Value) -> Value {
        let at = self.random.usize(..size(&donor));
        nth(&mut donor, at).map(Value::take).unwrap_or_default()
    }

    fn rename(&mut self, members: &mut Map<String, Value>) {
        let keys: Vec<String> = members.keys().cloned().collect();
        let Some(old) = self.pick(&keys).cloned() else { return };
        let Some(value) = members.remove(&old) else { return };
        let mut new: Vec<char> = old.chars().collect();
        let at = self.random.usize(..=new.len());
        if self.random.bool() || new.is_empty() {
            new.insert(at, 'x')
        } else {
            new.truncate(at)
        }
        members.insert(new.into_iter().collect(), value);
    }

    fn drop_one(&mut self, members: &mut Map<String, Value>) {
        let keys: Vec<String> = members.keys().cloned().collect();
        if let Some(key) = self.pick(&keys) {
            members.remove(key);
        }
    }
}

/// How many values there are in `value`, itself included.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::Object(members) => members.values().map(size).sum(),
        Value::Array(list) => list.iter().map(size).sum(),
        _ => 0,
    }
}

/// The `n`th value in `value`, which is its own first.
fn nth(value: &mut Value, n: usize) -> Option<&mut Value> {
    if n == 0 {
        return Some(value);
    }
    let inner: Vec<&mut Value> = match value {
        Value::Object(members) => members.values_mut().collect(),
        Value::Array(list) => list.iter_mut().collect(),
        _ => Vec::new(),
    };
    let mut left = n - 1;
    for value in inner {
        match size(value) {
            count if left < count => return nth(value, left),
            count => left -= count,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_value_is_reached() {
        let mut value = json!({"a": [1, {"b": 2}], "c": 3});
        let all: Vec<_> = (0..size(&value)).filter_map(|n| nth(&mut value, n).cloned()).collect();
        assert_eq!(all.len(), 6);
        assert_eq!((&all[1], &all[4], &all[5]), (&json!([1, {"b": 2}]), &json!(2), &json!(3)));
        assert_eq!(nth(&mut value, 6), None);
    }

    #[test]
    fn the_same_seed_makes_the_same_inputs() {
        let corpus = vec![br#"{"id":"web","args":["a"]}"#.to_vec()];
        let inputs = |seed| {
            let mut mutator = Mutator::new(seed);
            (0..50).map(|_| mutator.next(&corpus)).collect::<Vec<_>>()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
    }
}
