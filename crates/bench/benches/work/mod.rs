//! The pure parts that are worth measuring, each with what it needs. `pure` measures their time, `instructions` counts.
//!
//! | file | what |
//! | --- | --- |
//! | `entries` | what is registered, in all of them |
//! | `engine` | one event of one process among many: what it costs must not grow with their number |
//! | `registry` | the file, read, written and merged |
//! | `access` | patterns of programs and hosts, what a client sends |
//! | `output` | lines and their times |

#![allow(clippy::unwrap_used, clippy::expect_used)] // a benchmark fails by panicking

pub mod access;
pub mod engine;
pub mod entries;
pub mod output;
pub mod registry;
