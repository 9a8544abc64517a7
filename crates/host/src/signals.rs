//! What the system, or somebody at a terminal, tells this process.

pub use crate::sys::signals::{
    Signals, TERMINAL_CLOSED, hear_of_stop, hold_back, leave_to_another, let_through, pass_on_stop,
};

/// What a process can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code)] // not every system tells everything
pub enum Told {
    /// To end, and everything that it manages.
    Stop,
    /// Its terminal is gone.
    TerminalClosed,
    /// A child of it ended.
    ChildEnded,
}
