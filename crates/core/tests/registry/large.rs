//! Size.

#![allow(clippy::disallowed_methods)] // measures time

use super::{parse, process};
use process_monitor_core::model::ProcessEntry;
use process_monitor_core::registry::{Registry, merge};
use std::sync::Arc;
use std::time::Instant;

fn large(entries: usize) -> Registry {
    let mut registry = Registry::default();
    for n in 0..entries {
        let mut entry = ProcessEntry::new(process(&format!("process-{n}")), "/usr/bin/python3");
        entry.args = ["-m", "http.server", "8000", "--bind", "127.0.0.1"].map(String::from).to_vec();
        entry.environment = Some([("PORT".to_owned(), n.to_string())].into_iter().collect());
        entry.restart_policy = Some(Default::default());
        registry.processes.insert(entry.id.clone(), Arc::new(entry));
    }
    registry
}

/// The limits are loose, for slow machines and unoptimised builds: quadratic work would take minutes.
#[test]
fn ten_thousand_entries_are_quick() {
    let begun = Instant::now();
    let registry = large(10_000);
    let text = registry.to_json().unwrap();
    let written = Instant::now();
    let read = parse(&text).unwrap();
    let parsed = Instant::now();
    let merged = merge(&registry, &registry, &read);
    let done = Instant::now();
    assert_eq!(merged.edits, []);
    assert!(merged.merged.processes.iter().all(|(id, entry)| Arc::ptr_eq(entry, &registry.processes[id])));
    eprintln!(
        "{} KiB: written {:?}, parsed {:?}, merged {:?}",
        text.len() >> 10,
        written - begun,
        parsed - written,
        done - parsed
    );
    assert!((done - begun).as_secs() < 20);
}

#[test]
fn one_bad_value_in_a_large_registry_is_found_quickly() {
    let text = String::from_utf8(large(10_000).to_json().unwrap()).unwrap();
    let line = text.lines().position(|line| line.contains("\"PORT\": \"9999\"")).unwrap() + 1;
    let begun = Instant::now();
    let error = parse(text.replace("\"PORT\": \"9999\"", "\"PORT\": 9999")).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("line {line}, processes.process-9999.environment.PORT: expected a string, found a number")
    );
    // Work that grows with the square would take many minutes.
    assert!(begun.elapsed().as_secs() < 120);
}
