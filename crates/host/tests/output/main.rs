//! Output from a program's descriptor to its files and back to a reader, with real logger processes
//! that are killed, starved and refused.

mod exactly_once;
mod exits;
mod faults;
mod following;
mod lifecycle;
mod rotation;
mod support;
mod throughput;
