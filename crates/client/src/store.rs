//! The registry file, for commands that need no monitor. Blocking: call it off the async threads.

use crate::Error;
use crate::api::{ProcessList, ProcessStatus, TokenInfo, TokenList};
use crate::change::{Change, missing};
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::ProcessEntry;
use process_monitor_core::registry::{self, Registry};
use process_monitor_host::clock;
use process_monitor_host::files::{self, Durability, FileError};
use process_monitor_host::layout::Layout;
use process_monitor_host::lock::{LockError, REGISTRY_LOCK_WAIT, RegistryLock};
use serde_json::{Map, Value};
use std::io::ErrorKind;

/// Every process as the file describes it. A file that does not exist describes none.
pub(crate) fn list(layout: &Layout) -> Result<ProcessList, Error> {
    let registry = read(layout)?;
    Ok(ProcessList { processes: registry.processes.values().map(|entry| status(layout, entry)).collect() })
}

/// One process as the file describes it.
pub(crate) fn get(layout: &Layout, id: &ProcessId) -> Result<ProcessStatus, Error> {
    let registry = read(layout)?;
    match registry.processes.get(id) {
        Some(entry) => Ok(status(layout, entry)),
        None => Err(missing(&registry, id)),
    }
}

/// The settings as the file says.
pub(crate) fn settings(layout: &Layout) -> Result<Map<String, Value>, Error> {
    Ok(read(layout)?.shown_settings())
}

/// The tokens as the file says.
pub(crate) fn tokens(layout: &Layout) -> Result<TokenList, Error> {
    let registry = read(layout)?;
    Ok(TokenList { tokens: registry.remote_access.tokens.iter().map(TokenInfo::from).collect() })
}

/// Reads the file, changes it, and writes it, all under the lock.
pub(crate) fn change(layout: &Layout, change: Change) -> Result<(), Error> {
    let path = layout.registry();
    let failed = |error: FileError| match error.reason().map(std::io::Error::kind) {
        Some(ErrorKind::PermissionDenied) => {
            Error::PermissionDenied { what: error.to_string(), by_monitor: false }
        }
        _ => Error::Storage { path: layout.registry(), source: Box::new(error) },
    };
    files::create_folders(layout.directory()).map_err(failed)?;
    let _lock = RegistryLock::acquire(layout, change.operation(), REGISTRY_LOCK_WAIT)
        .map_err(|error| locked(layout, error))?;
    let mut registry = read(layout)?;
    let now = clock::wall();
    change.apply(&mut registry, now)?;
    registry.last_modified = Some(now);
    let text =
        registry.to_json().map_err(|error| Error::Storage { path: path.clone(), source: Box::new(error) })?;
    files::write_atomic(&path, &text, Durability::Synced).map_err(failed)
}

fn read(layout: &Layout) -> Result<Registry, Error> {
    let path = layout.registry();
    let bytes = match files::read_bounded(&path, registry::MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) => {
            return match error.reason().map(std::io::Error::kind) {
                Some(ErrorKind::NotFound) => Ok(Registry::new(layout.instance().clone())),
                Some(ErrorKind::PermissionDenied) => {
                    Err(Error::PermissionDenied { what: error.to_string(), by_monitor: false })
                }
                _ => Err(Error::Registry { path, source: Box::new(error) }),
            };
        }
    };
    Registry::parse(&bytes, layout.instance())
        .map_err(|error| Error::Registry { path, source: Box::new(error) })
}

fn locked(layout: &Layout, error: LockError) -> Error {
    match error {
        LockError::Timeout { .. } => Error::LockTimeout { reason: error.to_string() },
        error => Error::Storage { path: layout.registry(), source: Box::new(error) },
    }
}

fn status(layout: &Layout, entry: &ProcessEntry) -> ProcessStatus {
    let folder = layout.process_logs(&entry.id).to_string_lossy().into_owned();
    ProcessStatus { log_folder: Some(folder), ..ProcessStatus::of_entry(entry) }
}
