//! The part of a rehearsal that the new executable plays: looks at everything that a monitor needs to come up, beside
//! the one that runs, and changes nothing.

use super::start::{DaemonError, Options, cannot};
use super::storage::Storage;
use crate::log::LogSpec;
use process_monitor_host::files::{self, Durability};
use process_monitor_host::layout::Layout;
use process_monitor_host::process::BootId;
use process_monitor_host::program;
use process_monitor_host::reactor::Reactor;

/// Whether a monitor with these options could go on from here.
///
/// # Errors
/// Why not.
pub fn rehearse(options: &Options) -> Result<(), DaemonError> {
    let layout = Layout::new(&options.directory, options.instance.clone());
    options.log.as_deref().unwrap_or_default().parse::<LogSpec>().map_err(crate::log::LogError::from)?;
    Storage::open(layout.clone())?;
    write_something(&layout)?;
    BootId::current().map_err(cannot("find out which boot this is"))?;
    Reactor::new().map_err(cannot("wait for events"))?;
    program::own().map_err(cannot("find this program's own file"))?;
    Ok(())
}

/// In the folder where a monitor must be able to write.
fn write_something(layout: &Layout) -> Result<(), DaemonError> {
    files::private_dir(&layout.state())?;
    let path = layout.state().join(format!("rehearsal.{}", std::process::id()));
    files::write_atomic(&path, b"rehearsal", Durability::Unsynced)?;
    files::remove_if_there(&path).map(drop).map_err(cannot(format!("remove {}", path.display())))
}
