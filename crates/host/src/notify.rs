//! Hearing what programs say of themselves by sd_notify(3), where the system has what that needs.

pub use crate::sys::notify::{KeptSockets, NotifySocket};
