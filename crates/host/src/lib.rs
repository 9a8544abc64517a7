//! This machine, behind one interface: spawn, identity, exit notification, stopping a whole tree,
//! locks, atomic files, output capture. It carries out; it decides nothing (see `ARCHITECTURE.md`).

pub mod background;
pub mod clock;
pub mod control;
mod detach;
pub mod executable;
pub mod failpoint;
pub mod fd;
pub mod files;
pub mod handover;
pub mod layout;
pub mod listen;
pub mod lock;
pub mod memory;
pub mod notify;
pub mod output;
pub mod pair;
pub mod peer;
pub mod probe;
pub mod process;
pub mod program;
pub mod random;
pub mod reactor;
pub mod service_manager;
pub mod signals;
pub mod stock;
pub mod survey;
mod sys;
pub mod tls;
pub mod watch;

// The tests in here share a helper with those outside.
#[cfg(test)]
extern crate self as process_monitor_host;
#[cfg(test)]
#[path = "../tests/emulated/mod.rs"]
mod emulated;
