//! Processes on Windows: handles, jobs, suspended starts.
//!
//! | module | |
//! | --- | --- |
//! | `identity`, `boot` | which process, beyond doubt |
//! | `spawn` | starting a program |
//! | `handle` | a process that is held: its exit, telling it to end |
//! | `exit_watch`, `registered` | being told of an end |
//! | `job`, `tree` | what belongs to a run, and killing all of it |
//! | `asking`, `windows` | asking programs to end, by a helper |
//! | `resume` | letting go who was recorded and never began |
//! | `environment`, `console` | what a process was started with, and whose it is; who is none of the program's |
//! | `list`, `family`, `figures` | all processes; who descends from whom; what they use |
//! | `limits` | how many handles |
//! | `open`, `image` | taking hold by a number; which file it executes |

pub mod asking;
mod boot;
mod console;
pub mod environment;
pub mod exit_watch;
mod family;
pub mod figures;
pub mod handle;
pub mod identity;
pub(crate) mod image;
pub(crate) mod job;
pub mod limits;
mod list;
pub(crate) mod open;
mod registered;
mod resume;
pub mod spawn;
pub mod tree;
mod windows;
