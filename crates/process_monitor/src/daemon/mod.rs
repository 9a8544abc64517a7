//! The monitor itself: threads around one engine.
//!
//! | thread | does | file |
//! | --- | --- | --- |
//! | supervising | events → engine → actions; never waits for anything but events | `supervisor`, `executor`, `runs` |
//! | spawn (2) | folders, records, fork and exec | `starter`, `jobs` |
//! | kill (4) | kills trees and waits for their end | `jobs` |
//! | registry | reads, merges and writes the registry's file | `storage` |
//! | logger | keeps a logger process there | `logger` |
//! | main | serves the control socket, takes signals | `serve` |
//!
//! They share nothing but messages (`inbox`) and the board that readers see (`board`).

mod board;
mod boot;
mod control;
mod executor;
mod figures;
mod handle;
mod inbox;
mod jobs;
mod logger;
mod marker;
mod replies;
mod runs;
mod serve;
mod start;
mod starter;
mod storage;
mod supervisor;
mod tree;

pub use handle::Handle;
pub use inbox::CommandError;
pub use start::{DaemonError, Options, run};
