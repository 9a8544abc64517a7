//! A large file.

use super::entries::{USUAL_MS, entry, id};
use process_monitor_core::id::InstanceId;
use process_monitor_core::model::ProcessEntry;
use process_monitor_core::registry::{Registry, merge};
use std::sync::Arc;

/// How many entries it has.
const ENTRIES: usize = 10_000;

pub fn registry() -> Registry {
    let mut registry = Registry::new(InstanceId::default());
    registry.processes =
        (0..ENTRIES).map(|number| (id(number), Arc::new(entry(number, &[], USUAL_MS)))).collect();
    registry
}

pub fn text() -> Vec<u8> {
    registry().to_json().unwrap()
}

pub fn write(registry: &Registry) -> Vec<u8> {
    registry.to_json().unwrap()
}

pub fn parse(text: &[u8]) -> Registry {
    Registry::parse(text, &InstanceId::default()).unwrap()
}

/// Somebody has edited one entry of many, and it was read again.
pub fn edited() -> (Registry, Registry) {
    let (base, mut theirs) = (registry(), registry());
    let changed = ProcessEntry { enabled: false, ..entry(7, &[], USUAL_MS) };
    theirs.processes.insert(id(7), Arc::new(changed));
    (base, theirs)
}

pub fn merge_edit((base, theirs): &(Registry, Registry)) -> usize {
    merge(base, base, theirs).edits.len()
}
