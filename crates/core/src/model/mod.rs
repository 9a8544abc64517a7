//! The data model: what a registry says about processes. Each field's name, default, meaning and
//! rule stand here once; the documentation, the parser and the API take them from here.

mod entry;
mod lenient;
mod policy;
mod signal;

pub use entry::{LogConfig, ProcessEntry, ProcessState, StopConfig};
pub use policy::{Backoff, RestartPolicy, RestartType};
pub use signal::{StopSignal, UnknownSignal};
