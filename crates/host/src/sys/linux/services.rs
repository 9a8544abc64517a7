//! Which service manager starts monitors here.

use crate::service_manager::Kind;

/// The one that this system has.
pub const KIND: Kind = Kind::Systemd;
