//! Talks to a process monitor: to one on this machine over its control socket while it runs, and on its registry file
//! while it does not; or to one anywhere over HTTP. The rule of a command is the same whichever way it goes.
//!
//! | module | what |
//! | --- | --- |
//! | [`api`] | the wire types, which the server uses too |
//! | `client` | [`Client`] and [`ConnectOptions`]: which monitor, and by which way |
//! | `processes`, `monitor`, `settings`, `tokens`, `events` | its calls, by what they are about |
//! | `partner` | how two monitors ask each other |
//! | [`discover`] | finding monitors |
//! | `ask` | one call: its answer, a typed error, another try, or the file instead |
//! | `call`, `transport/` | a request, and how it gets there: control socket, TCP, TLS |
//! | `url`, `token`, `fingerprint`, `files`, `retry` | [`Url`], [`Token`], [`Fingerprint`], [`Retry`] |
//! | `logs` | [`LogStream`]: what programs printed and print |
//! | `sse` | server-sent events off a body |
//! | `store`, `change` | the registry file, and the rules for changing it |
//! | `error` | [`Error`]: what went wrong, and what to do about it |

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct ReadMe;

pub mod api;
mod ask;
mod batch;
mod call;
mod change;
mod client;
pub mod discover;
mod error;
mod events;
mod files;
mod fingerprint;
mod logs;
mod monitor;
mod partner;
mod processes;
mod retry;
mod settings;
mod sse;
mod store;
mod token;
mod tokens;
mod transport;
mod url;

pub use client::{Client, ConnectOptions};
pub use error::{Endpoint, Error};
pub use events::EventStream;
pub use fingerprint::Fingerprint;
pub use logs::{LogLine, LogStream};
pub use monitor::Restarted;
pub use partner::aliveness_status;
pub use processes::{Verb, Waiting};
pub use retry::Retry;
pub use token::Token;
pub use transport::Trust;
pub use url::Url;

/// Who answered a question about processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The running monitor.
    Monitor,
    /// The registry file: what was last known.
    File,
}
