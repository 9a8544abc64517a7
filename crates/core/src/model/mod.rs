//! The data model: what a registry says about processes and about the monitor itself. Each field's
//! name, default, meaning and rule stand here once; the documentation, the parser and the API take
//! them from here.
//!
//! | module | holds |
//! | --- | --- |
//! | `entry` | a process: what to run, how to stop it, what to keep of its output, its last known state |
//! | `registration` | what clients send about a process |
//! | `output` | what becomes of what it prints |
//! | `policy` | when it is restarted |
//! | `health` | how it is found to be well |
//! | `settings` | ports, partner, remote access |
//! | `token` | who holds a bearer token, and what for |
//! | `state`, `signal` | kinds of values |
//! | `problem` | what is wrong with a value, and where |
//! | `document` | how an object is declared |
//! | `rule` | rules of fields: bounds, executables, variables |
//! | `schema` | what its schema says |
//! | `three_way` | how two changes of one object are merged |

mod document;
mod entry;
mod health;
mod output;
mod policy;
mod problem;
mod registration;
pub(crate) mod rule;
pub(crate) mod schema;
mod settings;
mod signal;
mod state;
mod three_way;
mod token;

pub use entry::{LogConfig, MIN_FILE_BYTES, ProcessEntry, StopConfig};
pub use health::{AlivenessCheck, ExecCheck, FailAction, Readiness, StartupCheck};
pub use output::OutputMode;
pub use policy::{Backoff, RestartPolicy, RestartType};
pub use problem::{JsonPath, Problem, Step};
pub use registration::{EntryPatch, RUNTIME_FIELDS, Registration};
pub use settings::{
    AlivenessServer, DefaultPorts, PartnerDiscovery, RateLimit, RemoteAccess, Tls, WatcherInfo,
};
pub use signal::{StopSignal, UnknownSignal};
pub use state::ProcessState;
pub use three_way::ThreeWay;
pub use token::{NewToken, NotAHash, Scope, TOKEN_PREFIX, Token, TokenHash, UnknownScope};

pub(crate) use document::document;
pub(crate) use problem::nested;
pub(crate) use rule::Bounds;

/// Shortest period of anything that repeats for as long as the monitor runs, in milliseconds. What
/// is shorter would keep a processor busy with nothing.
pub const MIN_PERIOD_MS: u64 = 10;
