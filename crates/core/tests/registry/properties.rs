//! What holds for every registry and for every text.

use super::parse;
use super::strategy::{path, registry};
use process_monitor_core::registry::Registry;
use proptest::prelude::*;
use serde_json::Value;

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_what_is_read(registry in registry(3)) {
        let text = registry.to_json().unwrap();
        let read = parse(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{registry:?}")))?;
        prop_assert_eq!(&read, &registry);
        prop_assert_eq!(read.processes.keys().collect::<Vec<_>>(), registry.processes.keys().collect::<Vec<_>>());
        prop_assert_eq!(read.to_json().unwrap(), text);
    }

    #[test]
    fn a_valid_registry_has_no_problems(registry in registry(3)) {
        prop_assert_eq!(registry.validate(), []);
    }

    #[test]
    fn damage_anywhere_is_refused_or_read_and_never_panics(
        registry in registry(2), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut text = registry.to_json().unwrap();
        let at = at.index(text.len());
        if cut { text.truncate(at) } else { text[at] = byte }
        match parse(&text) {
            Ok(read) => prop_assert_eq!(parse(read.to_json().unwrap()), Ok(read)),
            Err(error) => {
                let lines = text.iter().filter(|b| **b == b'\n').count() + 1;
                prop_assert!((1..=lines).contains(&error.line), "{}", error);
                prop_assert!(error.column >= 1 && !error.message.is_empty());
            }
        }
    }

    #[test]
    fn any_bytes_are_refused_or_read(text in any::<Vec<u8>>()) {
        let _ = parse(&text);
    }

    /// Replaces the value at some path of a good registry: whatever the error says, it points there.
    #[test]
    fn a_wrong_value_is_found_where_it_is(registry in registry(2), at in any::<prop::sample::Index>()) {
        let mut document = serde_json::to_value(&registry).unwrap();
        let known = pointers_to_booleans(&document);
        let pointer = known[at.index(known.len())].clone();
        *document.pointer_mut(&pointer).unwrap() = Value::from("yes");
        let error = parse(serde_json::to_vec_pretty(&document).unwrap()).unwrap_err();
        let key = pointer.rsplit('/').next().unwrap();
        prop_assert!(error.path.ends_with(key), "{} is not at {}", error, pointer);
        prop_assert_eq!(&error.message, "expected true or false, found \"yes\"");
        let text = serde_json::to_string_pretty(&document).unwrap();
        let line = text.lines().nth(error.line - 1).unwrap();
        prop_assert!(line.contains(key) && line.contains("\"yes\""), "{}: {}", error, line);
    }

    #[test]
    fn a_path_is_shown_on_one_line(path in path()) {
        prop_assert!(!path.to_string().chars().any(char::is_control));
    }
}

/// JSON pointers to the known booleans: those outside `extra`, whose keys begin with `x-`.
fn pointers_to_booleans(document: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::Bool(_) => found.push(at.to_owned()),
            Value::Object(members) => {
                let known = members.iter().filter(|(key, _)| {
                    !key.starts_with("x-") && !["tls", "tokens", "environment"].contains(&key.as_str())
                });
                known.for_each(|(key, value)| walk(value, &format!("{at}/{key}"), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(document, "", &mut found);
    found
}

#[test]
fn a_default_registry_is_valid() {
    assert_eq!(Registry::default().validate(), []);
}
