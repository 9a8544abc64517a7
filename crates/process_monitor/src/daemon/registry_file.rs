//! The registry's file as it is found, and its version.

use super::storage::StorageError;
use process_monitor_core::registry::{self, Registry};
use process_monitor_host::files::{self, FileError, Stamp};
use process_monitor_host::layout::Layout;
use std::io::ErrorKind;

/// The registry with its stamp; `None` where there is no file. The stamp is taken first: a write between the two then looks
/// like a change, never the reverse.
///
/// # Errors
/// When it cannot be read, or is no registry.
pub fn read(layout: &Layout) -> Result<Option<(Registry, Stamp)>, StorageError> {
    let path = layout.registry();
    let stamp = match Stamp::at(&path) {
        Ok(stamp) => stamp,
        Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(None),
        // It may be there: to begin an empty one would be to forget everything.
        Err(reason) => return Err(FileError::Os { operation: "look at the registry", path, reason }.into()),
    };
    let text = files::read_bounded(&path, registry::MAX_BYTES)?;
    let registry =
        Registry::parse(&text, layout.instance()).map_err(|why| StorageError::Content { path, why })?;
    Ok(Some((registry, stamp)))
}
