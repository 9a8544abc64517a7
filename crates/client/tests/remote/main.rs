//! The client of a monitor elsewhere, with servers that answer as told, on loopback.
//!
//! | file | what |
//! | --- | --- |
//! | `server` | such servers |
//! | `calls` | requests, tokens, errors, connections, tries in virtual time |
//! | `tls` | whose certificate is believed |
//! | `discovery` | finding monitors among other servers |
//! | `streams` | events, and going on after a break |

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod calls;
mod discovery;
mod server;
mod streams;
mod tls;
