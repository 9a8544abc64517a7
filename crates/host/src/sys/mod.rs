//! What differs between systems, behind one interface: one folder per system, in each the same modules with the same
//! functions that mean the same. Nothing else in this program asks which system it runs on (`xtask purity`).
//!
//! | module | |
//! | --- | --- |
//! | `fd` | what is open |
//! | `positioned` | reading and writing at a place of a file |
//! | `process` | identity, exit notification, spawn, figures, trees, environments, limits |
//! | `control` | the control socket |
//! | `signals` | what this process is told |
//! | `handover` | one image of the monitor following another |
//! | `notify` | hearing what programs say of themselves |
//! | `private` | files that are nobody else's |
//! | `users` | whose this process and files are |
//! | `readiness` | which of many descriptors is ready |
//! | `folders` | what comes to, goes from, or changes in a folder |
//! | `wakeup` | making another thread's wait end |
//! | `fifo` | looking into a FIFO, and moving its bytes |
//! | `inherit` | what a program that is started inherits |
//! | `memory` | files that are gone with who has them open |
//! | `paths` | long paths of sockets; the file that this process executes |
//! | `peer` | whose the other end of a TCP connection is |
//! | `senders` | who sent a datagram |
//! | `services` | which service manager starts monitors here |
//! | `survey` | what a person who looks for a fault wants to know |
//!
//! `terms` holds the types of this interface, `unix` what Linux and macOS share. To port the monitor is to write one more folder.

pub(crate) mod terms;
#[cfg(unix)]
pub(crate) mod unix;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::*;

#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
pub(crate) use macos::*;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::*;
