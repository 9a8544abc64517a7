//! Which service manager starts monitors here.

use crate::service_manager::Kind;

/// The one that this system has.
pub const KIND: Kind = Kind::Launchd;

pub use crate::sys::unix::services::{
    disable, folder, is_active, is_enabled, read_unit, remove_unit, supervised, tell, write_unit,
};
