//! The registry document and what clients send for it, seen from outside: fixtures, refusals, properties, merges.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests, their helpers included

mod bad;
mod good;
mod large;
mod merge;
mod properties;
mod reading;
mod registrations;
mod strategy;

use process_monitor_core::id::{InstanceId, ProcessId};
use process_monitor_core::registry::{ParseError, Registry};
use std::path::PathBuf;

fn fixtures(folder: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/registries").join(folder)
}

fn instance(id: &str) -> InstanceId {
    InstanceId::new(id).unwrap()
}

fn process(id: &str) -> ProcessId {
    ProcessId::new(id).unwrap()
}

fn parse(text: impl AsRef<[u8]>) -> Result<Registry, ParseError> {
    Registry::parse(text.as_ref(), &InstanceId::default())
}
