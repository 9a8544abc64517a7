//! Windows: handles, jobs, named pipes, completion ports.
//!
//! Beside the modules that every system has there are
//!
//! | module | |
//! | --- | --- |
//! | `object` | handles as Rust owns them, errors of the system, waiting for one |
//! | `event`, `port` | what can be waited for, and waiting for many of them |
//! | `names`, `time` | paths and times as the system's functions take them |
//! | `pipe` | named pipes that are found by a file |
//! | `incoming`, `overlapped` | what comes through a pipe, and I/O that may take its time |
//! | `security` | who may open what we make |

pub mod checks;
pub mod clock;
pub mod control;
#[cfg(feature = "failpoints")]
pub mod death;
pub mod detach;
pub mod event;
pub mod executable;
pub mod fd;
pub mod fifo;
pub mod files;
pub mod folders;
pub mod handover;
pub mod host;
pub mod incoming;
pub mod local;
pub mod mapping;
pub mod memory;
pub mod names;
pub mod notify;
pub mod object;
pub mod overlapped;
pub mod peer;
pub mod pipe;
pub mod port;
pub mod positioned;
pub mod process;
pub mod reactor;
pub mod readiness;
pub mod ready;
pub mod security;
pub mod services;
pub mod signals;
pub mod survey;
pub mod tcp;
pub mod time;
pub mod users;
pub mod wait;
pub mod wakeup;
pub mod words;
