//! Starting a process that outlives the one that starts it.

pub(crate) use crate::sys::detach::spawn;
