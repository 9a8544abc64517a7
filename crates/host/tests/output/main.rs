//! Output from a program's descriptor to its files and back to a reader, with real logger processes
//! that are killed, starved and refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

#[path = "../emulated/mod.rs"]
mod emulated;
mod exactly_once;
#[cfg(unix)]
mod exits;
#[cfg(unix)]
mod faults;
mod following;
mod lifecycle;
mod merging;
mod rotation;
mod staging;
mod support;
#[cfg(unix)]
mod throughput;
