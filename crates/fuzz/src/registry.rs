//! The registry's file.

use super::told_one;
use process_monitor_core::id::InstanceId;
use process_monitor_core::registry::{ParseError, Registry, merge};

/// Between two texts of one input.
pub(crate) const BETWEEN: &[u8] = b"\n\0\n";

/// Reads any bytes as one registry, or as several of which ours and theirs are merged, made from a third if there is
/// one: nothing panics, what is refused is refused for a reason with a line that is there, and what is read or comes
/// of a merge is written and read as the same.
pub fn registry(input: &[u8]) -> String {
    let read: Vec<_> = texts(input).into_iter().map(read).collect();
    if let [Ok(ours), Ok(theirs), base @ ..] = read.as_slice() {
        let base = base.first().and_then(|base| base.as_ref().ok());
        merged(base.unwrap_or(&Registry::new(InstanceId::default())), ours, theirs);
    }
    read.iter().map(verdict).collect::<Vec<_>>().join("|")
}

fn texts(input: &[u8]) -> Vec<&[u8]> {
    let mut texts = Vec::new();
    let mut rest = input;
    while let Some(at) = rest.windows(BETWEEN.len()).position(|window| window == BETWEEN) {
        texts.push(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + BETWEEN.len()..).unwrap_or_default();
    }
    texts.push(rest);
    texts
}

fn read(text: &[u8]) -> Result<Registry, ParseError> {
    let read = Registry::parse(text, &InstanceId::default());
    match &read {
        Ok(registry) => written_and_read(registry),
        Err(error) => located(error, text),
    }
    read
}

fn written_and_read(registry: &Registry) {
    let text = registry.to_json().expect("a registry is JSON");
    let again = Registry::parse(&text, &InstanceId::default());
    let again = again.unwrap_or_else(|error| panic!("what was written is not read: {error}"));
    assert!(again == *registry, "it is read as another: {registry:?}, {again:?}");
}

fn located(error: &ParseError, text: &[u8]) {
    let lines = text.iter().filter(|byte| **byte == b'\n').count() + 1;
    for error in std::iter::once(error).chain(&error.more) {
        assert!((1..=lines).contains(&error.line) && error.column >= 1, "{error} of {lines} lines");
    }
}

fn verdict(read: &Result<Registry, ParseError>) -> String {
    match read {
        Ok(_) => "read".to_owned(),
        Err(error) => {
            std::iter::once(error).chain(&error.more).map(|e| told_one(&e.path, &e.message)).collect()
        }
    }
}

/// An edit by somebody else: to merge nothing changes nothing, and the result can be read.
fn merged(base: &Registry, ours: &Registry, theirs: &Registry) {
    let same = merge(ours, ours, ours);
    assert!(same.edits.is_empty() && same.merged == *ours, "merging nothing changes something");
    for base in [base, ours, theirs] {
        written_and_read(&merge(base, ours, theirs).merged);
    }
}
