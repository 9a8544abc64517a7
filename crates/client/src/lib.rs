//! Talks to a process monitor: over its control socket while it runs, on its registry file while it
//! does not. The rule of a command is the same whichever way it goes.
//!
//! | module | what |
//! | --- | --- |
//! | [`api`] | the wire types, which the server uses too |
//! | `local` | [`Client`]: decides between socket and file |
//! | `events` | [`EventStream`]: what happens, as it happens |
//! | `http` | one request over a byte stream |
//! | `store`, `change` | the registry file, and the rules for changing it |
//! | `error` | [`Error`]: what went wrong, and what to do about it |

pub mod api;
mod change;
mod error;
mod events;
mod http;
mod local;
mod store;

pub use error::Error;
pub use events::EventStream;
pub use local::{Client, Source};
