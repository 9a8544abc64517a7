//! Waits for many things at once on one thread: exits of processes, a wake-up by another thread, a
//! deadline. Nothing polls, and what waits costs nothing.

pub use crate::sys::reactor::{Reactor, Waker};
