//! What commands know of the pair of monitors: from the files, because neither need run.

use super::failure::Failure;
use process_monitor_core::partner::{Farewell, Last, Sighting};
use process_monitor_core::registry::{self, Registry};
use process_monitor_host::files;
use process_monitor_host::layout::Layout;
use process_monitor_host::lock::MonitorInfo;
use process_monitor_host::pair::{Owner, farewell, sighting};

/// What the registry of `layout` says of the monitor; the defaults where it says nothing, or cannot be read.
pub fn settings(layout: &Layout) -> Registry {
    let text = files::read_bounded(&layout.registry(), registry::MAX_BYTES).ok();
    text.and_then(|text| Registry::parse(&text, layout.instance()).ok())
        .unwrap_or_else(|| Registry::new(layout.instance().clone()))
}

/// Whether the monitor of `layout` has ended, however it did.
pub fn is_gone(layout: &Layout) -> bool {
    matches!(sighting::look(layout, None), Sighting::Gone(_))
}

/// Leaves word in the name of a monitor that was cut off that this is what somebody wants: its partner then does not
/// start it again.
pub fn keep_down(layout: &Layout) -> Result<(), Failure> {
    let (Sighting::Gone(Last::Cut), Some(info)) = (sighting::look(layout, None), MonitorInfo::read(layout))
    else {
        return Ok(());
    };
    let owner = Owner { identity: info.identity, boot_id: info.boot_id };
    farewell::leave(layout, owner, Farewell::Stop).map_err(|error| {
        Failure::failed(format!("cannot leave word that the monitor is to stay stopped: {error}"))
            .advise("stop its partner first, with --stop --all")
    })
}
