//! What differs between systems, behind one interface: one folder per system, in each the same modules with the same
//! functions that mean the same. Nothing else in this program asks which system it runs on (`xtask purity`).
//!
//! | module | |
//! | --- | --- |
//! | `fd` | what is open |
//! | `checks` | running the program of a check |
//! | `clock` | the clock that nobody can set |
//! | `death` | dying as if killed, for tests |
//! | `detach` | starting a process that outlives this one |
//! | `ready` | the pipe by which such a one says that it is ready |
//! | `positioned` | reading and writing at a place of a file |
//! | `process` | identity, exit notification, spawn, figures, trees, environments, limits |
//! | `control` | the control socket |
//! | `signals` | what this process is told |
//! | `handover` | one image of the monitor following another |
//! | `notify` | hearing what programs say of themselves |
//! | `executable` | which file a command leads to |
//! | `host` | this machine's name and space |
//! | `files` | modes and owners, links that are not followed, which file it is |
//! | `tcp` | what TCP sockets need before they listen |
//! | `users` | whose this process and files are |
//! | `reactor` | waiting for many things on one thread |
//! | `readiness` | which of many descriptors is ready |
//! | `wait` | waiting for a few |
//! | `words` | words that are no Unicode, in files |
//! | `folders` | what comes to, goes from, or changes in a folder |
//! | `wakeup` | making another thread's wait end |
//! | `fifo` | FIFOs: making, opening, looking into one, and moving its bytes |
//! | `local` | streams between processes of this user |
//! | `mapping` | files in memory |
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
