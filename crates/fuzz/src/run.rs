//! Many inputs, for a while. Without a compiler that counts branches, what a target came to tells which inputs are
//! worth to go on from.

use super::Target;
use super::mutate::Mutator;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// Longest input that is made. Larger ones find the same, more slowly.
const LONGEST: usize = 64 * 1024;

/// Most inputs that are gone on from; after that new ones take the place of others.
const MOST: usize = 4_096;

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every promise was kept.
    Kept {
        /// Inputs that were tried.
        tried: u64,
        /// Different things that they came to.
        came_to: usize,
    },
    /// This input breaks a promise.
    Broken(Vec<u8>),
}

/// Tries every input of `corpus` on `target`, then what can be made of them, for as long as `time`.
pub fn run(target: Target, mut corpus: Vec<Vec<u8>>, time: Duration, seed: u64) -> Outcome {
    let begun = Instant::now();
    let mut mutator = Mutator::new(seed);
    let mut known = HashSet::new();
    for input in &corpus {
        match attempt(target, input) {
            Some(came_to) => known.insert(came_to),
            None => return Outcome::Broken(input.clone()),
        };
    }
    let mut tried = corpus.len() as u64;
    while begun.elapsed() < time {
        let mut input = mutator.next(&corpus);
        input.truncate(LONGEST);
        tried += 1;
        match attempt(target, &input) {
            None => return Outcome::Broken(input),
            Some(came_to) if known.insert(came_to) => keep(&mut corpus, input, tried),
            Some(_) => {}
        }
    }
    Outcome::Kept { tried, came_to: known.len() }
}

/// What it came to, in short; `None` when a promise was broken.
fn attempt(target: Target, input: &[u8]) -> Option<u64> {
    let came_to = catch_unwind(AssertUnwindSafe(|| target(input))).ok()?;
    let mut hasher = DefaultHasher::new();
    came_to.hash(&mut hasher);
    Some(hasher.finish())
}

fn keep(corpus: &mut Vec<Vec<u8>>, input: Vec<u8>, tried: u64) {
    if corpus.len() < MOST {
        corpus.push(input);
    } else if let Some(place) = usize::try_from(tried).ok().and_then(|tried| corpus.get_mut(tried % MOST)) {
        *place = input;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_promise_is_found() {
        let target: Target = |input| {
            assert!(!input.windows(2).any(|pair| pair == b"{}"), "it is empty");
            String::from_utf8_lossy(input).chars().take(9).collect()
        };
        let corpus = vec![br#"{"a":{"b":1}}"#.to_vec()];
        let Outcome::Broken(input) = run(target, corpus, Duration::from_secs(30), 1) else {
            panic!("it was not found");
        };
        assert!(String::from_utf8_lossy(&input).contains("{}"));
    }
}
