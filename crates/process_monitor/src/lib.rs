//! The process monitor: the command line, the daemon behind it, and the API it serves.
//! `ARCHITECTURE.md` says how the parts fit together.

pub mod cli;
mod daemon;
mod http;
mod log;

pub use http::openapi;
