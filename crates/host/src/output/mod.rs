//! What programs print: from their descriptors to files, and back to people (SPEC 4.5).
//!
//! ```text
//!  program ──stdout──► FIFO ──splice──► stdout.log ──rename──► stdout.1.log …
//!          ──stderr──► FIFO ──splice──► stderr.log
//!             ▲          ▲        ▲                     ▲
//!          [`run`]    held open  [`logger`]          [`read`]
//!                     by the     one process         tail, follow
//!                     monitor    per instance
//! ```
//!
//! * [`run`]: the run's folder and FIFOs, made by the monitor before it spawns.
//! * [`link`]: the monitor's connection to the logger, [`protocol`] what is said on it.
//! * [`logger`]: the log process itself.
//! * [`note`]: exits that it wrote down while no monitor was there.
//! * `times`: when bytes were read, beside each log file: for the order of two streams.
//! * [`names`]: how folders and files are called; [`read`]: reading them, also while they rotate.
//!
//! Why nothing is lost or doubled: bytes move from FIFO to file only inside `splice(2)`, and SIGKILL
//! acts between system calls. Everything else the logger knows (how long the file is, whether it
//! ends inside a line) it reads from the file itself when it opens it.

mod error;
pub mod link;
pub mod logger;
pub mod names;
pub mod note;
pub mod protocol;
pub mod read;
pub mod run;
mod times;

pub use names::Stream;
